"""Housekeeping of the tables: months made ahead, and what is older than its retention removed."""

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
# Some 20 ms of work: a batch that wants one of these rows hardly notices.
ROWS_PER_STEP = 5_000
# Dropping a partition needs its whole table for a moment. While it waits for a long query, all
# batches wait behind it: after ten times what a batch needs it steps back.
LOCK_TIMEOUT = "500ms"
# Of one transaction, a month or a step. Any number will do that the migrations do not use.
KEEPING_LOCK = 0x0CA552

_BY_MONTH = {table.name for table in TABLES if table.by_month}
_AGE_COLUMN = {table.name: table.age_column for table in TABLES}
_RAISE_FLOOR = (
    "INSERT INTO retention_floors AS known (table_name, kept_from) VALUES (%s, %s)"
    " ON CONFLICT (table_name) DO UPDATE SET kept_from = EXCLUDED.kept_from, raised_at = now()"
    " WHERE EXCLUDED.kept_from > known.kept_from RETURNING kept_from"
)
# What a partition holds is what its bounds say, whatever somebody has named it.
_OLDEST_MONTH = r"""
SELECT nspname, relname FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
  JOIN pg_namespace AS n ON n.oid = relnamespace,
  LATERAL CAST((regexp_match(pg_get_expr(relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]
    AS timestamptz) AS past
WHERE inhparent = %s::regclass AND past <= %s ORDER BY past LIMIT 1
"""


class Keeper:
    """Keeps the tables in order; of several replicas, one at a time does it.

    The time is the database's, so that a process whose clock is wrong drops nothing.

    Args:
        pool: Connections that may write.
        retention: How long the rows of a table are kept, by table; None is for ever.
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
                # A long query holds a partition, or the database is away. Whatever it is, batches
                # go on without.
                _log.warning("keeping_failed", reason=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                await asyncio.sleep(KEEP_EVERY_S)

    async def keep(self) -> None:
        """Make the months to come, and remove what is older than its retention.

        Raises:
            psycopg.Error: The database refused; what could be done is done.
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
                # A long query holds this table; the others are not to wait for it.
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
        """Refuse what is older from now on; in a transaction of its own, before anything goes."""
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
            # What a batch is writing is skipped instead of waited for: it goes next time.
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
    """Return a table's floor for this transaction; None when another replica is at work."""
    answer = await connection.execute(
        "SELECT kept_from FROM retention_floors"
        " WHERE table_name = %s AND pg_try_advisory_xact_lock(%s)",
        (table, KEEPING_LOCK),
    )
    row = await answer.fetchone()
    return row[0] if row else None
