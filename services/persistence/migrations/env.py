"""Alembic's entry: one connection, one advisory lock, plain SQL."""

import psycopg
from alembic import context
from sqlalchemy import create_engine, pool

# Any number will do, as long as every release uses the same one.
MIGRATION_LOCK = 0x0CA551
# While a migration waits for a table's lock, all later requests for the table wait behind it.
# Batches and readers can easily bear this long.
LOCK_TIMEOUT = "2s"

url: str = context.config.attributes["url"]
# With `creator`, psycopg parses the URL, so that every form that libpq accepts works here, too.
engine = create_engine(
    "postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=pool.NullPool
)
with engine.connect() as connection:
    # Held until the connection closes, even if a migration fails.
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
    # Only now, so that this process waits for another migration for as long as it takes.
    connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    connection.commit()
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
