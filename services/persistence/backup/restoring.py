"""Restores a backup: sets the streams back, makes the old schema, copies all rows, then migrates.

The order makes every step repeatable: a group that was set back loses nothing if no restore
follows, and until the last row is in, the database counts as empty.
"""

import itertools
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.clock import SYSTEM_CLOCK
from libs.common.database import SCHEMA_REVISION
from libs.common.polling.published import forget_published
from services.persistence.backup import database
from services.persistence.backup.archive import members, verify
from services.persistence.backup.database import Connection
from services.persistence.backup.errors import BackupError
from services.persistence.backup.manifest import Manifest, SequenceValue, TableCopy
from services.persistence.backup.positions import Replay, active_consumers, rewind
from services.persistence.backup.progress import Progress
from services.persistence.database_identity import IDENTITY, remember
from services.persistence.schema import upgrade

_NAME = "cassiopeia-restore"
_STOP = "stop all services (`make stop`, `docker compose stop`), then start the restore again"


class Restored(NamedTuple):
    """A finished restore.

    Attributes:
        manifest: What the backup held.
        replays: What persistence will be given again.
        sources: The sources that will publish everything again, because the streams have not kept
            all entries.
        left_out: Tables of the backup that are not Cassiopeia's; their rows stay in the file.
        seconds: How long the restore took.
    """

    manifest: Manifest
    replays: list[Replay]
    sources: list[str]
    left_out: list[str]
    seconds: float


async def restore(
    redis: Redis, database_url: str, path: Path, *, replace: bool, progress: Progress
) -> Restored:
    """Put a backup into an empty database, and set persistence back to where it was then.

    Args:
        redis: The broker.
        database_url: The database, as the role that owns the schema.
        path: The backup.
        replace: Whether to drop what the database holds.
        progress: Is told how far the restore is.

    Raises:
        BackupError: It cannot be done; the message says why. Nothing is changed before the file
            and the servers have been found in order.
    """
    began = time.monotonic()
    progress.say(f"checking {path}")
    manifest = await progress.in_thread(partial(verify, path, progress))
    if manifest.schema_revision > SCHEMA_REVISION:
        raise BackupError(
            f"{path} was taken by a newer version (schema {manifest.schema_revision}, project"
            f" {manifest.project_version}): update this one first"
        )
    await progress.in_thread(partial(_check_database, database_url, progress, replace=replace))
    try:
        if readers := await active_consumers(redis):
            raise BackupError(f"{', '.join(readers)} reads from the streams: {_STOP}")
        # Before any row is changed: if the restore then fails, persistence only repeats itself.
        replays = await rewind(redis, manifest.positions)
        # The upstreams still have most of what is in neither the backup nor the streams.
        complete = replays and all(replay.trimmed == 0 for replay in replays)
        sources = [] if complete else await forget_published(redis, SYSTEM_CLOCK)
    except RedisError as error:
        raise BackupError(
            f"the broker does not answer ({error}): start it, or correct CASSIOPEIA_REDIS_URL;"
            " without it, what was acknowledged after the backup would not come again"
        ) from error

    left_out = await progress.in_thread(partial(_rebuild, database_url, path, manifest, progress))
    try:
        identity = await progress.in_thread(partial(_identity, database_url, progress))
        await remember(redis, identity)
    except RedisError as error:
        progress.say(f"the broker has gone away ({error}): the sources will publish all again")
    return Restored(manifest, replays, sources, left_out, time.monotonic() - began)


def _check_database(database_url: str, progress: Progress, *, replace: bool) -> None:
    with _connected(database_url, progress) as connection:
        if sessions := database.other_sessions(connection):
            raise BackupError(f"connected to the database: {', '.join(sessions)}; {_STOP}")
        filled = database.tables_with_rows(connection)
        if filled and not replace:
            raise BackupError(
                f"the database is not empty: there are rows in {', '.join(filled)}. Restore into"
                " an empty one, or have all that this one holds dropped: FORCE=1 with"
                " `make restore`, --replace with the command"
            )


def _rebuild(database_url: str, path: Path, manifest: Manifest, progress: Progress) -> list[str]:
    """Make the schema of the backup, its rows, and the newest schema; return what was left out."""
    with _connected(database_url, progress) as connection:
        database.drop_everything(connection)
    upgrade(database_url, manifest.schema_revision)
    with _connected(database_url, progress) as connection:
        known = database.roots(connection)
        database.lock(connection, known, sql.SQL("ACCESS EXCLUSIVE"))
        if database.tables_with_rows(connection):
            raise BackupError(f"a service has written to the database meanwhile: {_STOP}")
        tables = {
            table.name: table for table in manifest.tables if (table.parent or table.name) in known
        }
        _make_partitions(connection, tables.values())
        _copy_in(connection, path, tables, progress)
        _set_sequences(connection, manifest.sequences)
        progress.say("gathering statistics")
        # The planner needs them, and autovacuum does not gather those of partitioned tables.
        connection.execute(sql.SQL("ANALYZE {}").format(database.name_list(known)))
    upgrade(database_url)
    return [table.name for table in manifest.tables if table.name not in tables]


def _identity(database_url: str, progress: Progress) -> str:
    with _connected(database_url, progress) as connection:
        [(identity,)] = connection.execute(IDENTITY).fetchall()
    return str(identity)


def _make_partitions(connection: Connection, tables: Iterable[TableCopy]) -> None:
    # All partitions before the first row: the rows of `retention_floors` say which months are not
    # made any more.
    for table in tables:
        if table.parent and table.month:
            connection.execute("SELECT ensure_month(%s::regclass, %s)", (table.parent, table.month))


def _copy_in(
    connection: Connection, path: Path, tables: dict[str, TableCopy], progress: Progress
) -> None:
    table_of = {part.name: table.name for table in tables.values() for part in table.parts}
    by_table = itertools.groupby(members(path), lambda member: table_of.get(member[0]))
    for name, parts in by_table:
        if name is None:
            continue
        table, copied = tables[name], 0
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            database.named(name), database.column_list(table.columns)
        )
        with connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                for _, content in parts:
                    copy.write(content)
                    copied += len(content)
                    progress.go_on(f"{name}: {copied / 1e6:,.0f} MB copied")
            if cursor.rowcount != table.rows:
                raise BackupError(
                    f"{name} took {cursor.rowcount:,} of {table.rows:,} rows; nothing is in the"
                    " database yet: look at its triggers and rules, then start the restore again"
                )


def _set_sequences(connection: Connection, sequences: Collection[SequenceValue]) -> None:
    for sequence in sequences:
        connection.execute(
            "SELECT setval(name, %s) FROM to_regclass(%s) AS name WHERE name IS NOT NULL",
            (sequence.value, f"public.{sequence.name}"),
        )


@contextmanager
def _connected(database_url: str, progress: Progress) -> Iterator[Connection]:
    """Connect for one transaction, which an error rolls back."""
    try:
        with progress.connect(database_url, _NAME) as connection:
            yield connection
    except psycopg.Error as error:
        raise BackupError(
            f"the database refuses ({str(error).strip()}); none of the rows is in it: mend that,"
            " then start the restore again"
        ) from error
