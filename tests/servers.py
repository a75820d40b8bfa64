"""Real servers for tests and measurements: one PostgreSQL and one Valkey, made and removed here."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from deploy.embedded.account import ROOT_HOMES, server_account, server_home
from deploy.embedded.leftovers import end_leftovers
from deploy.embedded.postgres import GATEWAY, OWNER
from deploy.embedded.servers import (
    PostgresServer,
    Server,
    ValkeyServer,
    free_ports,
    wait_until_ready,
)

CHECKOUT = Path(__file__).resolve().parent.parent
_PREFIX = "cassiopeia-test-"


class ServerProcess:
    """A server as a child of this process, which can be stopped, killed and started again.

    Args:
        server: A `PostgresServer` or a `ValkeyServer`.
        log: The file that its output is appended to.
    """

    def __init__(self, server: Server, log: Path) -> None:
        self.server = server
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the running process (of the postmaster, where the server is PostgreSQL)."""
        if self._process is None:
            raise RuntimeError(f"{self.server.name} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it serves.

        Raises:
            EmbeddedError: It ended, or did not serve within a minute.
        """
        if self._process is not None:
            raise RuntimeError(f"{self.server.name} is running already")
        account = self.server.account
        with self.log.open("ab") as output:
            self._process = process = subprocess.Popen(  # noqa: S603 - our own command line
                self.server.command(),
                cwd=self.server.folder,
                env=dict(self.server.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=0o077,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )

        def failure() -> str:
            code = process.poll()
            return (
                "" if code is None else f"{self.server.name} ended ({code}):\n{self.last_lines()}"
            )

        wait_until_ready(self.server, seconds=60, failure=failure)

    def stop(self) -> int:
        """Stop the server in its own clean way and return its exit code."""
        process = self._taken()
        process.send_signal(self.server.stop_signal)
        try:
            return process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._kill(process)
            raise

    def kill(self) -> None:
        """End the server with SIGKILL, and wait until its helpers noticed and ended, too."""
        self._kill(self._taken())

    def close(self) -> None:
        """End the server if it runs; what it had not written yet may be lost."""
        if self._process is not None:
            self.kill()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it stand still while the body runs: it neither answers nor hangs up."""
        process = psutil.Process(self.pid)
        everything = [process, *process.children(recursive=True)]
        for each in everything:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.suspend()
        try:
            yield
        finally:
            for each in everything:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.resume()

    def restart(self) -> None:
        """Stop cleanly and start again, on the same port and data."""
        self.stop()
        self.start()

    def last_lines(self, count: int = 20) -> str:
        """Return the newest lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def _taken(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is None:
            raise RuntimeError(f"{self.server.name} is not running")
        self._process = None
        return process

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        helpers = []
        with contextlib.suppress(psutil.NoSuchProcess):
            helpers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        psutil.wait_procs(helpers, timeout=30)


class Servers:
    """A running PostgreSQL and a running Valkey, with databases made on request.

    The database `cassiopeia` is migrated at the first request and serves as the template of the
    others, so that each test has a database of its own in 50 ms.
    """

    def __init__(self, folder: Path, *, durable: bool) -> None:
        account = server_account(os.environ)
        self.folder = folder
        self.home = server_home(folder, account)
        ports = free_ports(2)
        self._postgres = PostgresServer(self.home, account, ports[0], durable=durable)
        self._valkey = ValkeyServer(self.home, account, ports[1], durable=durable)
        self.postgres = ServerProcess(self._postgres, folder / "postgres.log")
        self.valkey = ServerProcess(self._valkey, folder / "valkey.log")
        self._template_ready = False
        self._made = 0

    def start(self) -> None:
        """Make and start both."""
        for process in (self.postgres, self.valkey):
            process.server.prepare()
            process.start()

    def close(self) -> None:
        """End both."""
        self.postgres.close()
        self.valkey.close()

    @property
    def valkey_url(self) -> str:
        """The URL of database 0 of Valkey."""
        return self._valkey.url()

    def database_url(self, database: str = OWNER, role: str = OWNER) -> str:
        """Return the URL of a database for a role: the owner, `postgres`, or the gateway's."""
        return self._postgres.url(role, database)

    def reader_database_url(self, database: str = OWNER) -> str:
        """Return the URL of a database for the gateway's role, which can only read."""
        return self._postgres.url(GATEWAY, database)

    def create_database(self, *, migrated: bool = True) -> str:
        """Create a database that `cassiopeia` owns, and return its name."""
        if migrated and not self._template_ready:
            migrate(self.database_url(), self.valkey_url)
            self._template_ready = True
        self._made += 1
        name = f"test_{self._made}"
        self._administer(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name),
                sql.Identifier(OWNER),
                sql.Identifier(OWNER if migrated else "template1"),
            )
        )
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self._administer(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def _administer(self, statement: sql.Composed) -> None:
        url = self.database_url("postgres", "postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


def migrate(database_url: str, redis_url: str) -> None:
    """Bring a database to the newest schema, as `make run` does it.

    Raises:
        RuntimeError: It failed; the message is what it printed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "services.persistence", "migrate"],
        cwd=CHECKOUT,
        env=os.environ
        | {"CASSIOPEIA_DATABASE_URL": database_url, "CASSIOPEIA_REDIS_URL": redis_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the migration failed ({done.returncode}):\n{done.stdout}")


@contextlib.contextmanager
def running_servers(*, durable: bool = False) -> Iterator[Servers]:
    """Run both servers in a folder of their own, and remove processes and data at the end.

    Args:
        durable: With all that protects from a kill -9 and a power cut, as in `make run`. Without
            it they are faster, and a killed Valkey comes back empty.
    """
    with server_folder() as folder:
        servers = Servers(folder, durable=durable)
        try:
            servers.start()
            yield servers
        finally:
            servers.close()


@contextlib.contextmanager
def server_folder() -> Iterator[Path]:
    """Make a folder for servers, and remove it with all that belongs to it at the end."""
    remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")).resolve()
    try:
        yield folder
    finally:
        _remove(folder, server_home(folder, server_account(os.environ)))


def remove_abandoned() -> None:
    """Remove the servers of test runs that were killed before they could do it themselves."""
    for folder in Path(tempfile.gettempdir()).resolve().glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        mine = folder.stat().st_uid == os.geteuid()
        if mine and owner.isdecimal() and not psutil.pid_exists(int(owner)):
            _remove(folder, server_home(folder, server_account(os.environ)))


def _remove(folder: Path, home: Path) -> None:
    end_leftovers(folder, home)
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # other servers live there, or it is not there
        ROOT_HOMES.rmdir()
