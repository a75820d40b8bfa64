"""Housekeeping of the tables: make coming months, remove rows older than their retention."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

import psycopg
from psycopg import sql
from psycopg_pool import PoolTimeout

from libs.common.database import Connection, Pool
from libs.common.logging import get_logger
from services.persistence.retention import floor_of
from services.persistence.tables import TABLES

_log = get_logger(__name__)

KEEP_EVERY_S = 3_600.0
RETRY_S = 60.0
# About 20 ms of work: a batch that needs one of these rows is hardly delayed.
ROWS_PER_STEP = 5_000
# Dropping a partition locks the whole table for a moment. While the drop waits for a long query,
# all batches wait behind it. So it gives up after ten times as long as a batch takes.
LOCK_TIMEOUT = "500ms"
# An advisory lock, held for one transaction: a month or a step. Any number that the migrations do
# not use will do.
HOUSEKEEPING_LOCK = 0x0CA552

_BY_MONTH = {table.name for table in TABLES if table.by_month}
_AGE_COLUMN = {table.name: table.age_column for table in TABLES}
_RAISE_FLOOR = (
    "INSERT INTO retention_floors AS known (table_name, kept_from) VALUES (%s, %s)"
    " ON CONFLICT (table_name) DO UPDATE SET kept_from = EXCLUDED.kept_from, raised_at = now()"
    " WHERE EXCLUDED.kept_from > known.kept_from RETURNING kept_from"
)
# A partition is found by its bounds, because somebody may have renamed it.
_OLDEST_MONTH = r"""
SELECT nspname, relname FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
  JOIN pg_namespace AS n ON n.oid = relnamespace,
  LATERAL CAST((regexp_match(pg_get_expr(relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]
    AS timestamptz) AS past
WHERE inhparent = %s::regclass AND past <= %s ORDER BY past LIMIT 1
"""


class Housekeeper:
    """Keeps the tables in order; only one of several replicas does so at a time.

    The time is the database's, so that a process whose clock is wrong drops nothing.

    Args:
        pool: Connections that may write.
        retention: How long the rows of each table are kept, by table; None means for ever.
    """

    def __init__(self, pool: Pool, retention: Mapping[str, timedelta | None]) -> None:
        self._pool = pool
        self._retention = retention

    async def keep_forever(self) -> None:
        """Keep the tables in order, every hour."""
        while True:
            try:
                await self.keep()
            except (psycopg.Error, PoolTimeout) as error:
                # A long query holds a partition, or the database is away. Batches go on anyway.
                _log.warning("keeping_failed", reason=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                await asyncio.sleep(KEEP_EVERY_S)

    async def keep(self) -> None:
        """Make the months to come, and remove what is older than its retention.

        Raises:
            psycopg.Error: The database refused something; everything else is done.
            PoolTimeout: The database is away.
        """
        now = await self._make_months()
        refusal: psycopg.Error | None = None
        for table, kept in self._retention.items():
            if kept is None:
                continue
            try:
                await self._remove_old(table, floor_of(now, kept))
            except psycopg.Error as error:
                # A long query holds this table; the other tables must not wait for it.
                refusal = error
        if refusal is not None:
            raise refusal

    async def _remove_old(self, table: str, floor: datetime) -> None:
        await self._raise_floor(table, floor)
        remove = self._drop_month if table in _BY_MONTH else self._delete_some
        while await remove(table):
            pass

    async def _make_months(self) -> datetime:
        async with self._pool.connection() as connection:
            [(now,)] = await (await connection.execute("SELECT now()")).fetchall()
            for table in sorted(_BY_MONTH):
                for month in (now, now.replace(day=1) + timedelta(days=32)):
                    await connection.execute(
                        "SELECT ensure_month(%s::regclass, %s)", (table, month.date())
                    )
        return cast("datetime", now)

    async def _raise_floor(self, table: str, floor: datetime) -> None:
        """Refuse older rows from now on; in a transaction of its own, before any row is removed."""
        async with self._pool.connection() as connection:
            answer = await connection.execute(_RAISE_FLOOR, (table, floor))
            if await answer.fetchone():
                _log.info("retention_floor_raised", table=table, kept_from=floor.isoformat())

    async def _drop_month(self, table: str) -> bool:
        """Drop the oldest month below the floor; return whether there may be more."""
        async with self._pool.connection() as connection:
            floor = await _floor_if_alone(connection, table)
            if floor is None:
                return False
            oldest = await (await connection.execute(_OLDEST_MONTH, (table, floor))).fetchone()
            if oldest is None:
                return False
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            await connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(*oldest)))
        _log.info("month_dropped", table=table, partition=oldest[1])
        return True

    async def _delete_some(self, table: str) -> bool:
        """Delete some rows below the floor; return whether there may be more."""
        async with self._pool.connection() as connection:
            floor = await _floor_if_alone(connection, table)
            if floor is None:
                return False
            # Rows that a batch is writing are skipped instead of waited for; the next run has them.
            statement = sql.SQL(
                "DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table}"
                " WHERE {column} < %s LIMIT %s FOR UPDATE SKIP LOCKED))"
            ).format(
                table=sql.Identifier(table),
                column=sql.Identifier(_AGE_COLUMN.get(table, "bucket")),
            )
            deleted = (await connection.execute(statement, (floor, ROWS_PER_STEP))).rowcount
        if deleted:
            _log.info("old_rows_deleted", table=table, rows=deleted)
        return deleted == ROWS_PER_STEP


async def _floor_if_alone(connection: Connection, table: str) -> datetime | None:
    """Return a table's floor for this transaction; None while another replica does this work."""
    answer = await connection.execute(
        "SELECT kept_from FROM retention_floors"
        " WHERE table_name = %s AND pg_try_advisory_xact_lock(%s)",
        (table, HOUSEKEEPING_LOCK),
    )
    row = await answer.fetchone()
    return row[0] if row else None
