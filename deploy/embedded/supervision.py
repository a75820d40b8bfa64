"""supervisord: its configuration, its process, and the calls to it over XML-RPC."""

import base64
import contextlib
import json
import os
import re
import secrets
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from deploy.embedded.account import write_file
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.leftovers import MARK
from deploy.embedded.plan import Program, inherited_environment
from deploy.embedded.servers import free_ports

_LAUNCH = "CASSIOPEIA_LAUNCH"
_USER = "cassiopeia"
_NO_WAIT = False  # the last argument of startProcess and stopProcess

# Paths are relative to the data folder, which is the working folder; launch.py says why.
_SUPERVISORD = """\
; Written at every start.
[supervisord]
nodaemon = true
silent = true
logfile = logs/supervisord.log
logfile_maxbytes = 10MB
logfile_backups = 3
pidfile = supervisord.pid
childlogdir = logs
umask = 077
{user}
[inet_http_server]
port = 127.0.0.1:{port}
username = {username}
password = {password}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

# After pauses of 1, 2, 3 and 4 s supervisord gives the program up (FATAL), and the driver tries
# again, with a capped back-off. supervisord alone would wait a second longer each time, for ever.
_PROGRAM = """
[program:{name}]
command = %(ENV_{launch})s {name}
autostart = false
autorestart = true
startsecs = {steady}
startretries = 4
stopsignal = {signal}
stopwaitsecs = {stop}
redirect_stderr = true
stdout_logfile = logs/{name}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 3
"""


@dataclass(frozen=True)
class Process:
    """The state of a program, as supervisord reports it at one moment."""

    name: str
    state: str
    """STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL or UNKNOWN."""
    pid: int | None
    started: float
    """When it was started last, in seconds since 1970."""

    @property
    def alive(self) -> bool:
        """Whether it has a process, or may still get one."""
        return self.state in {"STARTING", "RUNNING", "BACKOFF", "STOPPING"}


def render(programs: Sequence[Program], port: int, password: str) -> str:
    """Return supervisord's configuration."""
    # Without `user`, supervisord warns at every start by root.
    user = "user = root\n" if os.geteuid() == 0 else ""
    text = _SUPERVISORD.format(user=user, port=port, username=_USER, password=password)
    return text + "".join(
        _PROGRAM.format(
            name=program.name,
            launch=_LAUNCH,
            steady=program.steady_seconds,
            stop=program.stop_seconds,
            signal=program.stop_signal.name.removeprefix("SIG"),
        )
        for program in programs
    )


def exit_code(log: str, name: str) -> int | None:
    """Return the exit code of a program's last end, from supervisord's log.

    XML-RPC does not give the exit code of a program that ended soon after its start.
    """
    pattern = rf"exited: {re.escape(name)} \(exit status (\d+);"
    codes = re.findall(pattern, log)
    return int(codes[-1]) if codes else None


class Supervisor:
    """A supervisord, reached over its XML-RPC interface."""

    def __init__(self, data: Path, port: int, password: str) -> None:
        self._data = data
        token = base64.b64encode(f"{_USER}:{password}".encode()).decode()
        self._proxy = xmlrpc.client.ServerProxy(
            f"http://127.0.0.1:{port}/RPC2",
            transport=_Transport(headers=[("Authorization", f"Basic {token}")]),
        )

    @classmethod
    def of_run(cls, data: Path) -> "Supervisor":
        """Return the supervisord of the run in this data folder, for use outside of the driver."""
        known = json.loads((data / "supervisor.json").read_text())
        return cls(data, known["port"], known["password"])

    def processes(self) -> list[Process]:
        """Return the programs as they are now.

        Raises:
            EmbeddedError: supervisord does not answer.
        """
        return [
            Process(
                name=str(info["name"]),
                state=str(info["statename"]),
                pid=int(info["pid"]) or None,
                started=float(info["start"]),
            )
            for info in self._call("getAllProcessInfo")
        ]

    def start(self, name: str) -> None:
        """Ask for a program to be started; if that fails, its state shows it."""
        with contextlib.suppress(xmlrpc.client.Fault):
            self._call("startProcess", name, _NO_WAIT)

    def stop(self, names: Sequence[str], pause: Callable[[float], None] = time.sleep) -> None:
        """Stop programs at the same time, and wait for all of them.

        supervisord kills a program that does not end within its `stop_seconds`.
        """
        waited = set(names)
        for process in self.processes():
            # This also stops a program that waits for its next try (BACKOFF).
            if process.name in waited and process.alive:
                with contextlib.suppress(xmlrpc.client.Fault):
                    self._call("stopProcess", process.name, _NO_WAIT)
        while any(process.alive for process in self.processes() if process.name in waited):
            pause(0.05)

    def _call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - XML-RPC has no types
        try:
            return getattr(self._proxy.supervisor, method)(*arguments)
        except (OSError, HTTPException, xmlrpc.client.ProtocolError) as error:
            raise EmbeddedError(f"supervisord does not answer: {error}") from None


class OwnSupervisor(Supervisor):
    """A supervisord that this process starts itself."""

    def __init__(self, data: Path, programs: Sequence[Program], environ: Mapping[str, str]) -> None:
        port, password = free_ports(1)[0], secrets.token_urlsafe(24)
        super().__init__(data, port, password)
        plan = {program.name: program.launched() for program in programs}
        write_file(data / "plan.json", json.dumps(plan), None)
        write_file(data / "supervisord.conf", render(programs, port, password), None)
        known = {"port": port, "password": password}
        write_file(data / "supervisor.json", json.dumps(known), None)
        launch = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py"))]
        environment = inherited_environment(environ, MARK, data)
        environment[_LAUNCH] = shlex.join([*launch, str(data / "plan.json")])
        self._errors = data / "logs" / "supervisord.err"
        self._log = data / "logs" / "supervisord.log"
        self._log_before = self._log.stat().st_size if self._log.exists() else 0
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", "supervisord.conf"],
                cwd=data,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                # Ctrl-C must reach only the driver, which then stops everything in order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id of supervisord."""
        return self._process.pid

    def wait_until_ready(self, pause: Callable[[float], None]) -> None:
        """Wait until supervisord answers.

        Raises:
            EmbeddedError: It ended, or did not answer within 30 s.
        """
        deadline = time.monotonic() + 30
        while True:
            self.check()
            try:
                self.processes()
            except EmbeddedError:
                if time.monotonic() > deadline:
                    raise
                pause(0.05)
            else:
                return

    def exit_code(self, name: str) -> int | None:
        """Return the exit code of a program's last end in this run; None if it never ended."""
        log = self._log.read_bytes()
        new = log[self._log_before :] if len(log) >= self._log_before else log
        return exit_code(new.decode("utf-8", "replace"), name)

    def check(self) -> None:
        """Make sure that supervisord is running.

        Raises:
            EmbeddedError: It has ended.
        """
        code = self._process.poll()
        if code is not None:
            said = self._errors.read_text(errors="replace").strip()[-500:]
            raise EmbeddedError(f"supervisord ended ({code}). {said}".rstrip())

    def shut_down(self) -> None:
        """End supervisord, whose programs have been stopped already."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Transport(xmlrpc.client.Transport):
    """Gives up after 10 s: a supervisord that hangs must not hang its driver."""

    def make_connection(self, host: Any) -> HTTPConnection:  # noqa: ANN401 - as in the base class
        connection = super().make_connection(host)
        connection.timeout = 10
        return connection
