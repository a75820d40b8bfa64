"""Alembic's entry: one connection, one advisory lock, plain SQL."""

import psycopg
from alembic import context
from sqlalchemy import create_engine, pool

# Any number will do, as long as every release uses the same.
MIGRATION_LOCK = 0x0CA551
# Whoever asks for a table after us waits behind us while we wait for it: as long as batches and
# readers bear easily.
LOCK_TIMEOUT = "2s"

url: str = context.config.attributes["url"]
# The creator lets psycopg read the URL, so that every form that libpq knows works here too.
engine = create_engine(
    "postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=pool.NullPool
)
with engine.connect() as connection:
    # Held until the connection closes, also when a migration fails.
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
    # Only now: another migration is waited for as long as it takes.
    connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    connection.commit()
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
