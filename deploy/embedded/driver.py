"""One run of the suite: ordered start, watching, ordered stop."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from deploy.embedded import folder
from deploy.embedded.console import StopSignals, last_lines, say, table
from deploy.embedded.errors import EmbeddedError, StopRequested
from deploy.embedded.leftovers import MARK, end_leftovers, traces
from deploy.embedded.plan import (
    Addresses,
    Program,
    addresses,
    inherited_environment,
    own_servers,
    server_program,
    service_programs,
)
from deploy.embedded.readiness import source_rows, unready
from deploy.embedded.servers import (
    PostgresServer,
    Server,
    ValkeyServer,
    free_ports,
    reserve_port,
    wait_until_ready,
)
from deploy.embedded.settings import RunSettings
from deploy.embedded.suite import Suite
from deploy.embedded.supervision import OwnSupervisor
from deploy.embedded.watch import RunFile, Watch

_WRONG_SETTINGS = 78
"""The exit code of a service whose settings are wrong; starting it again is useless."""

# After a crash PostgreSQL reads its log since the last checkpoint, and Valkey its append-only file.
_SERVER_SECONDS = 300
_SERVICE_SECONDS = 120


def run(settings: RunSettings, suite: Suite, environ: Mapping[str, str]) -> None:
    """Start everything, keep it running until a stop signal, and stop everything.

    Raises:
        EmbeddedError: It cannot start, or cannot go on; everything that was started is stopped.
    """
    with _held(settings) as signals:
        check_port(settings.host, settings.port)
        with contextlib.suppress(StopRequested):
            _Run(settings, suite, environ, signals).go()


@contextlib.contextmanager
def running_servers(
    settings: RunSettings, suite: Suite, environ: Mapping[str, str]
) -> Iterator[tuple[Addresses, StopSignals]]:
    """Run only the servers inside the block, for work on their data while no service runs.

    Raises:
        EmbeddedError: They cannot start, or a run holds the data folder.
        StopRequested: A signal arrived meanwhile.
    """
    with _held(settings) as signals, _Run(settings, suite, environ, signals).servers() as urls:
        yield urls, signals


@contextlib.contextmanager
def _held(settings: RunSettings) -> Iterator[StopSignals]:
    """Hold the data folder inside the block, after ending what an earlier run left running."""
    data = settings.data
    try:
        folder.make(data)
        with folder.held(data), StopSignals.caught() as signals:
            if traces(data, settings.home):
                count = end_leftovers(data, settings.home)
                if count:
                    say(f"ended {count} processes that an earlier run had left behind")
            folder.check_space(data, settings.home)
            yield signals
    except OSError as error:
        raise EmbeddedError(folder.explain(error, data)) from error


def check_port(host: str, port: int) -> None:
    """Make sure that the gateway can bind its port.

    Raises:
        EmbeddedError: Another program has the port, or it cannot be bound at all.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise EmbeddedError(f"CASSIOPEIA_HOST={host}: expected an address: {error}.") from None
    for family, kind, protocol, _, place in found:
        with socket.socket(family, kind, protocol) as probe:
            # With REUSEADDR, lingering connections of an earlier run are no obstacle. Without
            # REUSEPORT, which replicas of one gateway use, the gateway of another run is one.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
            except OSError as error:
                raise EmbeddedError(
                    f"port {port} of {host} cannot be used: {error.strerror}; choose another with"
                    f" CASSIOPEIA_PORT, as in `CASSIOPEIA_PORT={_other(port)} make run`."
                ) from None


def _other(port: int) -> int:
    return port + 1 if 1024 <= port < 65_535 else 8080  # noqa: PLR2004 - ports that need no rights


class _Run:
    """What belongs to one run while it lasts."""

    def __init__(
        self, settings: RunSettings, suite: Suite, environ: Mapping[str, str], signals: StopSignals
    ) -> None:
        self._settings = settings
        self._suite = suite
        self._environ = environ
        self._signals = signals
        self._logs = settings.data / "logs"

    def go(self) -> None:
        """Start, watch, stop."""
        settings = self._settings
        reserve_port(settings.port)
        ports = free_ports(2 + sum(settings.replicas.values()))
        servers = self._prepared(ports)
        urls = addresses(settings, servers)
        services = service_programs(settings, self._suite, urls, ports[2:])
        with self._supervised(servers, services) as supervisor:
            self._migrate(urls)
            self._start_services(supervisor, services)
            programs = [*map(server_program, servers), *services]
            run_file = RunFile(settings, urls, programs, supervisor.pid)
            run_file.update(supervisor.processes())
            sources = table(source_rows(settings.gateway_url))
            say(f"ready: {settings.gateway_url}\n{sources}")
            Watch(supervisor, run_file, self._signals.pause).keep()

    @contextlib.contextmanager
    def servers(self) -> Iterator[Addresses]:
        """Run only the servers inside the block."""
        servers = self._prepared(free_ports(2))
        with self._supervised(servers, []):
            yield addresses(self._settings, servers)

    def _prepared(self, ports: Sequence[int]) -> list[PostgresServer | ValkeyServer]:
        """Return the servers of the run, ready to be started."""
        settings = self._settings
        servers = own_servers(settings, ports)
        if servers and settings.account and not settings.home.exists():
            say(f"the servers run as {settings.account.name}, with their data in {settings.home}")
        for server in servers:
            server.prepare()
        self._signals.pause(0)
        return servers

    @contextlib.contextmanager
    def _supervised(
        self, servers: Sequence[Server], services: Sequence[Program]
    ) -> Iterator[OwnSupervisor]:
        """Run supervisord and the servers inside the block; stop everything in order at its end."""
        data = self._settings.data
        own = [server_program(server) for server in servers]
        supervisor = OwnSupervisor(data, [*own, *services], self._environ)
        try:
            supervisor.wait_until_ready(self._signals.pause)
            self._start_servers(supervisor, servers)
            yield supervisor
        finally:
            say("stopping")
            folder.forget_run(data)
            try:
                # The servers last, and both at once, since no service uses them any more.
                supervisor.stop([program.name for program in services])
                supervisor.stop([program.name for program in own])
            except EmbeddedError:
                say("supervisord is gone; ending the processes that it left behind")
            supervisor.shut_down()
            if traces(data, self._settings.home):
                end_leftovers(data, self._settings.home)

    def _start_servers(self, supervisor: OwnSupervisor, servers: Sequence[Server]) -> None:
        if not servers:
            return
        say("starting " + " and ".join(server.name for server in servers))
        for server in servers:
            supervisor.start(server.name)
        for server in servers:
            wait_until_ready(
                server,
                seconds=_SERVER_SECONDS,
                failure=partial(self._failure, supervisor, [server.name]),
                pause=self._patiently(f"waiting for {server.name} to recover its data"),
            )

    def _migrate(self, urls: Addresses) -> None:
        say("migrating the database")
        log = self._logs / "migrate.log"
        environment = inherited_environment(self._environ, MARK, self._settings.data)
        environment["CASSIOPEIA_DATABASE_URL"] = urls.owner_database
        environment["CASSIOPEIA_REDIS_URL"] = urls.redis
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command line
                [sys.executable, *self._suite.migration],
                cwd=self._settings.checkout,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        pause = self._patiently("still migrating the database")
        try:
            while process.poll() is None:
                pause(0.05)
        except StopRequested:
            # A migration is one transaction, so the next run can simply begin it again.
            process.terminate()
            process.wait()
            raise
        if process.returncode != 0:
            raise EmbeddedError(
                f"preparing the database failed ({process.returncode}):\n{last_lines(log)}"
            )

    def _start_services(self, supervisor: OwnSupervisor, services: Sequence[Program]) -> None:
        say("starting " + " ".join(program.name for program in services))
        for program in services:
            supervisor.start(program.name)
        started, told = time.monotonic(), 0.0
        waiting = {program.name: program.metrics or "" for program in services}
        while True:
            reasons = {name: unready(place) for name, place in waiting.items()}
            waiting = {name: place for name, place in waiting.items() if reasons[name]}
            if not waiting:
                return
            why = "; ".join(f"{name} ({reasons[name]})" for name in waiting)
            failure = self._failure(supervisor, list(waiting))
            if failure:
                raise EmbeddedError(failure)
            passed = time.monotonic() - started
            if passed > _SERVICE_SECONDS:
                name = next(iter(waiting))
                raise EmbeddedError(
                    f"not ready after {_SERVICE_SECONDS} s: {why}. The last lines of"
                    f" {self._logs / name}.log:\n{last_lines(self._logs / f'{name}.log')}"
                )
            if passed - told > 5:  # noqa: PLR2004 - seconds between two lines
                told = passed
                say(f"waiting for {why}")
            self._signals.pause(0.1)

    def _failure(self, supervisor: OwnSupervisor, names: Sequence[str]) -> str:
        """Return why waiting for these programs is useless, or an empty string."""
        supervisor.check()
        for process in supervisor.processes():
            if process.name not in names or process.state not in {"BACKOFF", "EXITED", "FATAL"}:
                continue
            code = supervisor.exit_code(process.name)
            if process.state == "FATAL" or code == _WRONG_SETTINGS:
                log = self._logs / f"{process.name}.log"
                why = "its settings are wrong" if code == _WRONG_SETTINGS else f"exit code {code}"
                return (
                    f"{process.name} cannot be started: {why}. The last lines of {log}:\n"
                    f"{last_lines(log)}"
                )
        return ""

    def _patiently(self, text: str) -> Callable[[float], None]:
        """Return a pause that says every 10 s what it waits for."""
        said = time.monotonic()

        def pause(seconds: float) -> None:
            nonlocal said
            if time.monotonic() - said > 10:  # noqa: PLR2004 - seconds between two lines
                said = time.monotonic()
                say(text)
            self._signals.pause(seconds)

        return pause
