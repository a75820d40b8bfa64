"""Takes a backup: first the positions in the streams, then all rows as of one moment, as a file."""

import time
from pathlib import Path
from typing import BinaryIO, NamedTuple

import psycopg
from psycopg import IsolationLevel, sql
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.clock import Clock
from libs.common.version import VERSION
from services.persistence.backup import database, folder
from services.persistence.backup.archive import Writer, in_parts
from services.persistence.backup.database import Connection, TableInfo
from services.persistence.backup.errors import BackupError
from services.persistence.backup.manifest import Manifest, Part, Position, TableCopy
from services.persistence.backup.positions import read_positions
from services.persistence.backup.progress import Progress


class Taken(NamedTuple):
    """A finished backup.

    Attributes:
        path: The file.
        size: Its size in bytes.
        manifest: What it holds.
        seconds: How long the backup took.
        removed: How many older backups were removed for it.
    """

    path: Path
    size: int
    manifest: Manifest
    seconds: float
    removed: int


async def take(
    redis: Redis, database_url: str, place: Path, *, keep: int, clock: Clock, progress: Progress
) -> Taken:
    """Take a backup.

    Args:
        redis: The broker; if it does not answer, a restore will replay all that the streams hold.
        database_url: The database, as the role that owns the schema.
        place: The folder to write to.
        keep: How many backups stay there once the new one is complete.
        clock: Gives the time that the backup is named after.
        progress: Is told how far the backup is.

    Raises:
        BackupError: It cannot be done; the message says why, and nothing half-done is left.
    """
    began = time.monotonic()
    positions: tuple[Position, ...] = ()
    try:
        # Before the rows are read: what is stored in between will be replayed, and is not lost.
        positions = await read_positions(redis)
    except RedisError as error:
        progress.say(f"the broker does not answer ({error}): a restore will replay whole streams")

    def work() -> Taken:
        with folder.held(place):
            with folder.new_file(place, clock.now()) as (path, file):
                manifest = _write(file, database_url, positions, clock, progress)
            removed = folder.prune(place, keep)
        return Taken(path, path.stat().st_size, manifest, time.monotonic() - began, removed)

    return await progress.in_thread(work)


def _write(
    file: BinaryIO,
    database_url: str,
    positions: tuple[Position, ...],
    clock: Clock,
    progress: Progress,
) -> Manifest:
    started = clock.now()
    try:
        with progress.connect(database_url, "cassiopeia-backup") as connection:
            archive = Writer(file, started)
            tables = _frozen(connection)
            revision = database.revision(connection)
            if revision is None:
                raise BackupError("the database has no schema yet: there is nothing to back up")
            manifest = Manifest(
                project_version=VERSION,
                schema_revision=revision,
                postgres_version=connection.info.parameter_status("server_version") or "",
                started_at=started,
                positions=positions,
                tables=tuple(_copy(connection, table, archive, progress) for table in tables),
                sequences=database.sequences(connection),
                finished_at=clock.now(),
            )
            archive.finish(manifest)
    except psycopg.Error as error:
        raise BackupError(
            f"the database broke the backup off ({str(error).strip()}): try again"
        ) from error
    return manifest


def _frozen(connection: Connection) -> list[TableInfo]:
    """Begin a transaction that sees all tables as they are now; return the tables."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    while True:
        names = [table.name for table in database.tables(connection)]
        connection.commit()
        # Lock before the first query, which fixes the snapshot: a table that a migration rewrites
        # later looks empty in it. Lock the tables with rows, not their partitioned parents: a lock
        # on a parent would keep persistence from making the next month.
        database.lock(connection, names, sql.SQL("ACCESS SHARE"))
        tables = database.tables(connection)
        if [table.name for table in tables] == names:
            return tables
        # A month was made or dropped in between.
        connection.rollback()


def _copy(
    connection: Connection, table: TableInfo, archive: Writer, progress: Progress
) -> TableCopy:
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(
        database.named(table.name), database.column_list(table.columns)
    )
    parts: list[Part] = []
    copied = 0
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for content in in_parts(copy):
                name = f"{table.name}/{len(parts) + 1:06}.copy"
                parts.append(archive.add(name, content))
                copied += len(content)
                progress.go_on(f"{table.name}: {copied / 1e6:,.0f} MB copied")
        rows = cursor.rowcount
    return TableCopy(
        name=table.name,
        parent=table.parent,
        month=table.month,
        columns=table.columns,
        rows=rows,
        parts=tuple(parts),
    )
