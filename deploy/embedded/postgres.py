"""PostgreSQL from the wheel's binaries: cluster, configuration, command line, readiness."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from deploy.embedded.account import (
    Account,
    make_folder,
    make_home,
    run_as,
    write_file,
)
from deploy.embedded.binaries import installed, reachable
from deploy.embedded.credentials import passwords
from deploy.embedded.errors import EmbeddedError

OWNER, READER, GATEWAY = "cassiopeia", "cassiopeia_reader", "cassiopeia_gateway"

_CONFIGURATION = """\
# Written at every start. Settings of your own: ALTER SYSTEM SET ..., as the role postgres.
listen_addresses = '127.0.0.1'
port = {port}
# No Unix socket: its path may be at most 107 bytes long, and a data folder's may be longer.
unix_socket_directories = ''
max_connections = 120
timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d '
log_checkpoints = off

# Small: a suite that is idle should cost little.
shared_buffers = 64MB
work_mem = 8MB
maintenance_work_mem = 64MB
max_worker_processes = 4
max_parallel_workers = 2
max_parallel_maintenance_workers = 1
autovacuum_worker_slots = 4
autovacuum_max_workers = 2
# Reads in the process that needs them, as up to PostgreSQL 17: no three I/O workers that idle.
io_method = 'sync'
jit = off

# Enough in the log for pg_basebackup.
wal_level = 'replica'
max_wal_senders = 2
max_replication_slots = 2
max_logical_replication_workers = 0
max_wal_size = 512MB
"""

# For servers that live as long as a test: their data need not survive a power cut.
_VOLATILE = """
fsync = off
synchronous_commit = off
full_page_writes = off
"""

# CREATEROLE lets a migration create the reader role where it is missing. The grant gives the owner
# the same rights over the reader as if the owner had created it.
_ROLES = """\
CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD '{owner_password}'
CREATE ROLE {reader} NOLOGIN
GRANT {reader} TO {owner} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE
CREATE ROLE {gateway} LOGIN PASSWORD '{gateway_password}' IN ROLE {reader}
ALTER ROLE {gateway} SET default_transaction_read_only = on
CREATE DATABASE {owner} OWNER {owner}
"""


class PostgresServer:
    """A PostgreSQL 18 that listens on loopback and keeps its cluster below `home`."""

    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: roll back open transactions, flush everything

    def __init__(
        self, home: Path, account: Account | None, port: int, *, durable: bool = True
    ) -> None:
        self.home = home
        self.account = account
        self.port = port
        self.folder = home / "postgres"
        self.environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        self._durable = durable
        self._binaries = installed().postgres
        self._configuration = home / "postgresql.conf"

    def prepare(self) -> None:
        """Make what a start needs: programs, cluster with roles and database, configuration.

        Repeated calls change nothing but the configuration.

        Raises:
            EmbeddedError: A step failed; the message has the last lines of its output.
        """
        make_home(self.home, self.account)
        self._binaries = reachable(installed(), self.home, self.account).postgres
        content = _CONFIGURATION.format(port=self.port) + ("" if self._durable else _VOLATILE)
        write_file(self._configuration, content, self.account)
        if not self.folder.exists():
            self._create_cluster()

    def command(self) -> list[str]:
        """Return the command line of the server."""
        return [*self._postgres(), "-D", str(self.folder), *self._options()]

    def ready(self) -> bool:
        """Tell whether the server accepts connections, which it does not during recovery."""
        probe = [str(installed().postgres / "pg_isready"), "--quiet", "--timeout=2"]
        probe += ["--host=127.0.0.1", f"--port={self.port}", "--dbname=postgres"]
        done = subprocess.run(probe, env=self.environment, check=False)  # noqa: S603 - our own
        return done.returncode == 0

    def url(self, role: str = OWNER, database: str = OWNER) -> str:
        """Return the URL with which a role (`postgres` is the superuser) reaches a database."""
        password = passwords(self.home)[role]
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    def _create_cluster(self) -> None:
        # Made under another name, so that a cluster with the final name is always complete, even if
        # the machine was switched off meanwhile.
        partial = self.home / "postgres.new"
        shutil.rmtree(partial, ignore_errors=True)
        make_folder(partial, self.account)
        known = passwords(self.home)
        password_file = self.home / "initdb-password"
        write_file(password_file, known["postgres"], self.account)
        command = [str(self._binaries / "initdb"), "-D", str(partial), "--username=postgres"]
        command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8"]
        # PostgreSQL's built-in C.UTF-8 sorts alike on every machine, whatever its C library does.
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--no-instructions", *([] if self._durable else ["--no-sync"])]
        try:
            run_as(self.account, command, self.environment, partial)
        finally:
            password_file.unlink()
        # Single-user mode needs no port and no wait. It takes one statement per line.
        statements = _ROLES.format(
            owner=OWNER,
            reader=READER,
            gateway=GATEWAY,
            owner_password=known[OWNER],
            gateway_password=known[GATEWAY],
        )
        command = [*self._postgres(), "--single", "-D", str(partial), *self._options(), "postgres"]
        output = run_as(self.account, command, self.environment, partial, text=statements)
        if "ERROR:" in output:
            raise EmbeddedError(f"PostgreSQL refused to create the roles:\n{output[-1000:]}")
        partial.rename(self.folder)

    def _postgres(self) -> list[str]:
        return [str(self._binaries / "postgres")]

    def _options(self) -> list[str]:
        # Outside the cluster's folder: root writes this file, so it must not be where the servers'
        # account could have put a link to another file.
        return ["-c", f"config_file={self._configuration}"]
