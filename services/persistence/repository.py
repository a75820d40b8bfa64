"""Writes batches of events, each event as one row."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import JsonbBinaryDumper, set_json_dumps
from pydantic_core import to_json

from libs.common import metrics
from libs.common.database import ROW_ERRORS, Connection, Pool
from libs.common.events import Event
from services.persistence.statements import copy_into_staging, create_staging, merge
from services.persistence.tables import TABLE_OF, TABLES, Table

Rows = Sequence[tuple[Any, ...]]


class _Merged(NamedTuple):
    written: int
    expired: int


async def prepare_connection(connection: Connection) -> None:
    """Give a new connection of the pool what batches need: a staging table for each table."""
    connection.adapters.register_dumper(dict, JsonbBinaryDumper)
    # Takes a quarter of the time of the standard library's.
    set_json_dumps(to_json, connection)
    for table in TABLES:
        await connection.execute(create_staging(table))
    await connection.commit()


class Repository:
    """Writes events; the pool's connections must have been prepared by `prepare_connection`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known_months: set[tuple[str, date]] = set()
        self._copy = {table: copy_into_staging(table) for table in TABLES}
        self._merge = {table: merge(table) for table in TABLES}

    async def store(self, events: Sequence[Event]) -> list[tuple[Event, str]]:
        """Write events, each exactly once, however often it comes.

        A batch that the database refuses is halved until the bad row is alone; a batch that takes
        longer than `statement_timeout` is halved until it is quick enough. An event that is older
        than its table's retention is left out, and counted.

        Returns:
            The events that the database refuses, each with the database's reason.

        Raises:
            psycopg.Error: One of `TRANSIENT_ERRORS`: the whole batch may be tried again. Any other:
                the database would refuse every row.
        """
        if not events:
            return []
        try:
            await self._store_at_once(events)
        except psycopg.errors.DeadlockDetected:
            # Two replicas that insert the same new row at the same moment may wait for each other
            # in its unique indexes, in whatever order they write. The database ends one of them;
            # the other goes on, so trying again ends.
            return await self.store(events)
        except (*ROW_ERRORS, psycopg.errors.QueryCanceled) as error:
            if len(events) > 1:
                middle = len(events) // 2
                return await self.store(events[:middle]) + await self.store(events[middle:])
            if isinstance(error, psycopg.errors.QueryCanceled):
                # A single row is never too much work, so the database is slow.
                raise
            return [(events[0], str(error).partition("\n")[0])]
        return []

    async def _store_at_once(self, events: Sequence[Event]) -> None:
        by_table = _by_table(events)
        try:
            merged = await self._write(by_table)
        except psycopg.errors.CheckViolation as error:
            # A row without a partition raises the error of a failed CHECK, but without a name.
            if error.diag.constraint_name or not self._known_months:
                raise
            # Somebody has dropped a month that was known to exist.
            self._known_months.clear()
            merged = await self._write(by_table)
        # Only now, because the rows of a transaction that was rolled back do not count.
        for table, (written, expired) in merged.items():
            repeated = len(by_table[table]) - written - expired
            metrics.ROWS_WRITTEN.labels(table.name).inc(written)
            metrics.ROWS_EXPIRED.labels(table.name).inc(expired)
            metrics.ROWS_REPEATED.labels(table.name).inc(repeated)

    async def _write(self, by_table: Mapping[Table, Rows]) -> dict[Table, _Merged]:
        for table, rows in by_table.items():
            if table.by_month:
                await self._ensure_months(table, rows)
        async with self._pool.connection() as connection:
            for table, rows in by_table.items():
                async with connection.cursor() as cursor, cursor.copy(self._copy[table]) as copy:
                    copy.set_types([column.type for column in table.columns])
                    for row in rows:
                        await copy.write_row(row)
            # In one round trip: the merge's locks are released when the database is done, not only
            # when this process, busy decoding the next batch, sends the commit.
            async with connection.pipeline():
                answers = {
                    table: await connection.execute(self._merge[table]) for table in by_table
                }
                await connection.commit()
            return {
                table: _Merged(*await answer.fetchone() or (0, 0))
                for table, answer in answers.items()
            }

    async def _ensure_months(self, table: Table, rows: Rows) -> None:
        months = {(table.name, row[0].astimezone(UTC).date().replace(day=1)) for row in rows}
        for name, month in sorted(months - self._known_months):
            # Not in the batch's transaction, so that the parent is locked for milliseconds only.
            async with self._pool.connection() as connection:
                await connection.execute("SELECT ensure_month(%s::regclass, %s)", (name, month))
            self._known_months.add((name, month))


def _by_table(events: Sequence[Event]) -> dict[Table, Rows]:
    """Return the rows of each table, with the tables in the same order for all batches.

    Two batches that locked their tables in the order of their events could deadlock.
    """
    rows: dict[Table, list[tuple[Any, ...]]] = defaultdict(list)
    for event in events:
        table = TABLE_OF[type(event)]
        rows[table].append(table.row(event))
    return {table: rows[table] for table in TABLES if table in rows}
