"""What backups ask PostgreSQL: which tables there are, what they hold, who is connected."""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from libs.common.database import KEEPALIVE
from services.persistence.backup.errors import BackupError
from services.persistence.backup.manifest import SequenceValue

Connection = psycopg.Connection[tuple[Any, ...]]

# Long enough for a batch to commit; a session that holds a lock for longer is altering the schema.
LOCK_TIMEOUT_S = 10.0
# Everything that decides how a value is written as text, so that it is read back as the same value.
_OPTIONS = (
    "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=1"
    " -c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
)

# Leaves out what belongs to an extension, and the sequence of an identity column, which is made and
# dropped with the column.
_OWN = """
NOT EXISTS (SELECT FROM pg_depend
  WHERE classid = 'pg_class'::regclass AND objid = c.oid AND objsubid = 0
    AND deptype IN ('e', 'i'))
"""

# A generated column is left out: the database computes it again. The month of a partition is the
# lower bound of its range.
_TABLES = f"""
SELECT c.relname, parent.relname,
  (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''([^'']+)''\\)'))[1]
    ::timestamptz::date,
  array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN pg_class parent ON parent.oid = i.inhparent
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
  AND c.relname <> 'alembic_version' AND {_OWN}
GROUP BY c.oid, parent.relname
ORDER BY c.relname
"""  # noqa: S608 - both parts stand in this file

_ROOTS = f"""
SELECT relname FROM pg_class c
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
  AND relname <> 'alembic_version' AND {_OWN}
ORDER BY 1
"""  # noqa: S608 - as above

# CASCADE also drops what depends on an object, so each is dropped only if it still exists.
_DROPS = f"""
SELECT format('DROP %s IF EXISTS %s CASCADE',
    CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
      ELSE 'TABLE' END, c.oid::regclass)
  FROM pg_class c
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm', 'S', 'r', 'p') AND {_OWN}
UNION ALL
SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure)
  FROM pg_proc p
  WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend
    WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
"""  # noqa: S608 - as above

_SEQUENCES = """
SELECT sequencename, last_value FROM pg_sequences
WHERE schemaname = 'public' AND last_value IS NOT NULL ORDER BY 1
"""

# What the session of another role does is hidden from us, but not that it exists. A worker of the
# server has no user.
_SESSIONS = """
SELECT coalesce(nullif(application_name, ''), usename), pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
  AND coalesce(backend_type, 'client backend') = 'client backend' ORDER BY 1, 2
"""


class TableInfo(NamedTuple):
    """A table, or a partition, that holds rows itself."""

    name: str
    parent: str | None
    month: date | None
    columns: tuple[str, ...]


def connect(url: str, name: str) -> Connection:
    """Return a new connection, with the settings that a backup needs.

    Raises:
        BackupError: The database does not answer, or refuses; the message says why.
    """
    try:
        return psycopg.connect(
            url,
            application_name=name,
            options=f"{_OPTIONS} -c lock_timeout={round(LOCK_TIMEOUT_S * 1_000)}",
            connect_timeout=5,
            client_encoding="utf8",
            **KEEPALIVE,
        )
    except psycopg.OperationalError as error:
        raise BackupError(
            f"the database cannot be reached ({str(error).strip()}): start it, or correct"
            " CASSIOPEIA_DATABASE_URL"
        ) from error


def tables(connection: Connection) -> list[TableInfo]:
    """Return every table that holds rows."""
    rows = connection.execute(_TABLES).fetchall()
    return [TableInfo(name, parent, month, tuple(columns)) for name, parent, month, columns in rows]


def roots(connection: Connection) -> list[str]:
    """Return every table that is not a partition."""
    return [name for (name,) in connection.execute(_ROOTS)]


def sequences(connection: Connection) -> tuple[SequenceValue, ...]:
    """Return the sequences that were ever used."""
    rows = connection.execute(_SEQUENCES).fetchall()
    return tuple(SequenceValue(name=name, value=value) for name, value in rows)


def revision(connection: Connection) -> str | None:
    """Return the schema's revision; None in an empty database."""
    row = connection.execute("SELECT to_regclass('public.alembic_version')").fetchone()
    if row is None or row[0] is None:
        return None
    row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone()
    return str(row[0]) if row else None


def other_sessions(connection: Connection) -> list[str]:
    """Return who else is connected to the database."""
    return [f"{name} (process {pid})" for name, pid in connection.execute(_SESSIONS)]


def tables_with_rows(connection: Connection) -> list[str]:
    """Return the tables that are not empty."""
    return [table.name for table in tables(connection) if _has_rows(connection, table.name)]


def lock(connection: Connection, names: list[str], mode: sql.SQL) -> None:
    """Lock tables until the transaction ends.

    Raises:
        BackupError: Somebody holds them, or one of them has just been removed.
    """
    if not names:
        return
    try:
        connection.execute(
            sql.SQL("LOCK TABLE {} IN {} MODE").format(sql.SQL(", ").join(map(named, names)), mode)
        )
    except (psycopg.errors.LockNotAvailable, psycopg.errors.UndefinedTable) as error:
        raise BackupError(
            f"the tables are being altered at this moment ({str(error).strip()}): try again"
        ) from error


def drop_everything(connection: Connection) -> None:
    """Drop everything in the schema that does not belong to an extension."""
    for (statement,) in connection.execute(_DROPS).fetchall():
        connection.execute(statement)


def named(table: str) -> sql.Identifier:
    """Return a table's name as SQL."""
    return sql.Identifier("public", table)


def name_list(tables: Iterable[str]) -> sql.Composed:
    """Return tables' names as SQL."""
    return sql.SQL(", ").join(map(named, tables))


def column_list(columns: Iterable[str]) -> sql.Composed:
    """Return columns' names as SQL."""
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _has_rows(connection: Connection, name: str) -> bool:
    statement = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(named(name))
    row = connection.execute(statement).fetchone()
    return row is not None and bool(row[0])
