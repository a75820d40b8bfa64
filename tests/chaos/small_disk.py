"""A PostgreSQL with a tablespace on a disk of its own that is really full when it is full."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.embedded.account import make_folder
from deploy.embedded.postgres import OWNER, PostgresServer
from deploy.embedded.servers import free_ports
from tests.servers import ServerProcess, Servers, migrate

_DISK_MB = 96
# Large rows fill the disk quickly, small ones fill what the large ones left.
_FILLING_BYTES = (4_000_000, 100_000, 1_000)
_DATABASE = "small_disk"

# A namespace of its own lets any account mount a file system in memory, which nobody else sees and
# which ends with the server. In a second one the server is itself again: PostgreSQL refuses root.
_NAMESPACES = """\
mount -t tmpfs -o size={size}m,mode=0700 tmpfs "$0" &&
exec unshare --user --map-user={uid} --map-group={gid} -- "$@"
"""


class SmallDiskServer(PostgresServer):
    """PostgreSQL with a small disk mounted at `disk`."""

    @property
    def disk(self) -> Path:
        """Where the small disk is, for this server alone."""
        return self.home / "disk"

    def prepare(self) -> None:
        """Make the cluster, and the folder where the disk is mounted."""
        super().prepare()
        make_folder(self.disk, self.account)

    def command(self) -> list[str]:
        """Return the command line of the server, which mounts the disk first."""
        owner = self.disk.stat()
        script = _NAMESPACES.format(size=_DISK_MB, uid=owner.st_uid, gid=owner.st_gid)
        return [*_PRIVATE, "sh", "-c", script, str(self.disk), *super().command()]


_PRIVATE = ("unshare", "--user", "--map-root-user", "--mount", "--")


class SmallDisk:
    """A running server and a migrated database on its small disk."""

    def __init__(self, server: SmallDiskServer) -> None:
        self._server = server
        self.url = server.url(OWNER, _DATABASE)

    def make_database(self, redis_url: str) -> None:
        """Make the database on the disk."""
        with psycopg.connect(self._server.url("postgres", "postgres"), autocommit=True) as admin:
            admin.execute(
                sql.SQL("CREATE TABLESPACE small LOCATION {}").format(str(self._server.disk))
            )
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TABLESPACE small").format(
                    sql.Identifier(_DATABASE), sql.Identifier(OWNER)
                )
            )
        migrate(self.url, redis_url)

    def fill(self) -> None:
        """Write until nothing more fits."""
        with self._admin() as admin:
            admin.execute("CREATE TABLE filler (data text STORAGE EXTERNAL)")
            for size in _FILLING_BYTES:
                try:
                    while True:
                        admin.execute("INSERT INTO filler VALUES (repeat('x', %s))", (size,))
                except psycopg.errors.DiskFull:
                    pass

    def free(self) -> None:
        """Remove what filled it."""
        with self._admin() as admin:
            admin.execute("DROP TABLE filler")

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(self._server.url("postgres", _DATABASE), autocommit=True)


def unavailable(folder: Path) -> str:
    """Return why this machine gives nobody a disk of his own; empty where it does."""
    if shutil.which("unshare") is None:
        return "there is no unshare (util-linux)"
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    done = subprocess.run(  # noqa: S603 - our own command line
        [*_PRIVATE, *mount], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else f"no namespaces: {done.stderr.strip()}"


@contextmanager
def small_disk(servers: Servers) -> Iterator[SmallDisk]:
    """Run a server with a small disk and a database on it while the body runs."""
    model = servers.postgres.server
    server = SmallDiskServer(servers.home / "small", model.account, free_ports(1)[0])
    process = ServerProcess(server, servers.folder / "small_disk.log")
    server.prepare()
    process.start()
    try:
        disk = SmallDisk(server)
        disk.make_database(servers.valkey_url)
        yield disk
    finally:
        process.close()
