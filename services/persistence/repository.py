"""All SQL of persistence: batches in, each row once."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date
from typing import Any

from psycopg import sql
from psycopg.types.json import JsonbBinaryDumper, set_json_dumps
from pydantic_core import to_json

from libs.common import metrics
from libs.common.database import ROW_ERRORS, Connection, Pool
from libs.common.events import Event
from services.persistence.tables import TABLE_OF, TABLES, Table


async def prepare_connection(connection: Connection) -> None:
    """Give a new connection of the pool what batches need: a staging table per table."""
    connection.adapters.register_dumper(dict, JsonbBinaryDumper)
    # A quarter of the time of the standard library's.
    set_json_dumps(to_json, connection)
    for table in TABLES:
        await connection.execute(
            sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} ({}) ON COMMIT DELETE ROWS").format(
                _staging(table),
                sql.SQL(", ").join(
                    sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type))
                    for column in table.columns
                ),
            )
        )
    await connection.commit()


class Repository:
    """Writes events; the pool's connections must have gone through `prepare_connection`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known_months: set[tuple[str, date]] = set()
        self._merge = {table.name: _merge_statement(table) for table in TABLES}

    async def store(self, events: Sequence[Event]) -> list[tuple[Event, str]]:
        """Write events, each exactly once however often it comes.

        A batch that the database refuses is halved until the bad row is alone.

        Returns:
            The events that the database refuses, with its reason.

        Raises:
            psycopg.Error: Of `TRANSIENT_ERRORS`: the whole batch may be tried again.
        """
        if not events:
            return []
        try:
            await self._store_at_once(events)
        except ROW_ERRORS as error:
            if len(events) == 1:
                return [(events[0], str(error).partition("\n")[0])]
            middle = len(events) // 2
            return await self.store(events[:middle]) + await self.store(events[middle:])
        return []

    async def _store_at_once(self, events: Sequence[Event]) -> None:
        by_table: dict[Table, list[tuple[Any, ...]]] = defaultdict(list)
        for event in events:
            table = TABLE_OF[type(event)]
            by_table[table].append(table.row(event))
        new: dict[Table, int] = {}
        for table, rows in by_table.items():
            if table.by_month:
                await self._ensure_months(table, rows)
        async with self._pool.connection() as connection:
            for table, rows in by_table.items():
                await _copy(connection, table, rows)
                new[table] = (await connection.execute(self._merge[table.name])).rowcount
        # Only now: what a rolled back transaction wrote does not count.
        for table, rows in by_table.items():
            metrics.ROWS_WRITTEN.labels(table.name).inc(new[table])
            metrics.ROWS_REPEATED.labels(table.name).inc(len(rows) - new[table])

    async def _ensure_months(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        months = {(table.name, row[0].astimezone(UTC).date().replace(day=1)) for row in rows}
        for name, month in sorted(months - self._known_months):
            # Not in the batch's transaction: the lock on the parent is held for milliseconds.
            async with self._pool.connection() as connection:
                await connection.execute("SELECT ensure_month(%s::regclass, %s)", (name, month))
            self._known_months.add((name, month))


def _staging(table: Table) -> sql.Identifier:
    return sql.Identifier(f"incoming_{table.name}")


def _merge_statement(table: Table) -> sql.Composed:
    """Insert what is new, in the order of the key: two batches cannot wait for each other."""
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    if table.latest_of:
        return sql.SQL(
            "INSERT INTO {table} ({columns}) SELECT DISTINCT ON ({key}) {columns} FROM {staging}"
            " ORDER BY {key}, fetched_at DESC ON CONFLICT ({key}) DO UPDATE"
            " SET ({columns}, stored_at) = ROW ({excluded}, now())"
            " WHERE EXCLUDED.fetched_at > {table}.fetched_at"
        ).format(
            table=sql.Identifier(table.name),
            columns=columns,
            key=sql.SQL(", ").join(map(sql.Identifier, table.latest_of)),
            staging=_staging(table),
            excluded=sql.SQL(", ").join(
                sql.Identifier("excluded", column.name) for column in table.columns
            ),
        )
    return sql.SQL(
        "INSERT INTO {} ({}) SELECT {} FROM {} ORDER BY 1, 2 ON CONFLICT DO NOTHING"
    ).format(sql.Identifier(table.name), columns, columns, _staging(table))


async def _copy(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    # Binary, because it costs the client two thirds of the text form.
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(_staging(table))
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([column.type for column in table.columns])
        for row in rows:
            await copy.write_row(row)
