"""Databases with rows of every kind, and what tells whether two of them hold the same."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from redis.asyncio import Redis

from libs.common.clock import SystemClock
from services.persistence.backup import database
from services.persistence.backup.database import Connection, TableInfo
from services.persistence.backup.progress import Progress
from services.persistence.backup.restoring import Restored, restore
from services.persistence.backup.taking import Taken, take

MONTHS = (date(1998, 11, 1), date(2026, 3, 1), date(2031, 12, 1))
# All that has a meaning in COPY's text form, and what is often lost.
NASTY = 'a\tb\nc\r\n\\N \\. \\\\ "quoted" \'single\' {a,"b"} é 🛰 \x7f \u2028'

_ROWS = len(MONTHS)
_VALUES: dict[str, tuple[Any, Any]] = {
    "int2": (-(2**15), 2**15 - 1),
    "int4": (-(2**31), 2**31 - 1),
    "int8": (-(2**63), 2**63 - 1),
    "float8": (5e-324, 0.1 + 0.2),
    "bool": (False, True),
    "numeric": (Decimal("-9999.99"), Decimal("0.10")),
    "text": (NASTY, ""),
    "_text": ([NASTY, "", "NULL"], []),
    "date": (date(1, 1, 1), date(9999, 12, 31)),
    "uuid": (UUID(int=0), UUID(int=2**128 - 1)),
    "jsonb": (Jsonb({NASTY: [None, 1e300, {"a": NASTY}]}), Jsonb([])),
}
# What CHECK constraints ask for, in place of the values above.
_CHECKED: dict[str, tuple[Any, Any]] = {
    "origin": ("live", "snapshot"),
    "media_type": ("image", "other"),
    "latitude_deg": (-90.0, 1 / 3),
    "longitude_deg": (-180.0, 1 / 3),
}
_TYPES = """
SELECT a.attname, t.typname, NOT a.attnotnull FROM pg_attribute a JOIN pg_type t ON t.oid = atttypid
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""


def fill(url: str) -> None:
    """Put rows into every table: values at the ends of their types, texts that are hard to copy."""
    with psycopg.connect(url) as connection:
        for month in MONTHS:
            connection.execute("SELECT ensure_month('iss_positions', %s)", (month,))
        roots = {table.parent or table.name for table in database.tables(connection)}
        for name in sorted(roots):
            known = connection.execute(_TYPES, (name,)).fetchall()
            for index in range(_ROWS):
                row = dict(_row(known, index))
                # The database numbers these itself, up to 3.
                row.pop("id" if name == "telemetry_legacy" else "", None)
                if name == "osdr_datasets":
                    row["accession"] = f"OSD-{row['number']}"
                connection.execute(
                    sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                        sql.Identifier(name),
                        database.column_list(row),
                        sql.SQL(", ").join(sql.Placeholder() * len(row)),
                    ),
                    list(row.values()),
                )


def _row(known: list[tuple[Any, ...]], index: int) -> Iterator[tuple[str, Any]]:
    """Yield a value per column: of the last row, nothing where a column may be empty."""
    for name, kind, nullable in known:
        ends = next((pair for end, pair in _CHECKED.items() if name.endswith(end)), None)
        if kind == "timestamptz":
            yield name, datetime.combine(MONTHS[index], time(1, 2, 3, 123_456), UTC)
        elif index == _ROWS - 1 and nullable:
            yield name, None
        elif ends:
            yield name, ends[index % 2]
        elif index == _ROWS - 1:
            # A key must differ from those of the first row.
            yield name, _third(kind)
        else:
            yield name, _VALUES[kind][index]


def _third(kind: str) -> Any:
    return {"text": "third", "uuid": UUID(int=3), "date": date(2026, 3, 1)}.get(
        kind, 3 if kind.startswith("int") else _VALUES[kind][1]
    )


def contents(url: str) -> dict[str, tuple[int, str]]:
    """Return the number of rows of each table, and a digest of them that any difference changes."""
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        found = {table.name: _digest(connection, table) for table in database.tables(connection)}
        found["alembic_version"] = (0, database.revision(connection) or "")
    return found


def _digest(connection: Connection, table: TableInfo) -> tuple[int, str]:
    statement = sql.SQL(
        "SELECT count(*), coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text)), '')"
        " FROM {} AS t"
    ).format(sql.Identifier(table.name))
    row = connection.execute(statement).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])


class Eager(Progress):
    """Says how far the work is at every step, so that a test can act between two of them."""

    def go_on(self, how_far: str) -> None:
        """Say it."""
        self.say(how_far)


async def taken(redis: Redis, url: str, folder: Path, *, keep: int = 7) -> Taken:
    """Take a backup."""
    return await take(redis, url, folder, keep=keep, clock=SystemClock(), progress=Progress(print))


async def restored(redis: Redis, url: str, path: Path, *, replace: bool = False) -> Restored:
    """Put a backup back."""
    return await restore(redis, url, path, replace=replace, progress=Progress(print))
