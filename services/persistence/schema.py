"""Brings the database to the newest schema."""

import asyncio
import os
import sys
import time
from pathlib import Path

import psycopg

from libs.common.database import SCHEMA_REVISION, Pool, is_current, wait_for_database
from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger

_log = get_logger(__name__)

# Between two tries to lock a table that is in use, so that those who waited behind the first try
# can go on.
_PAUSE_S = 5.0

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(url: str, revision: str = "head") -> None:
    """Run all pending migrations; safe to call from several processes at once.

    If a table is read for a long time, as by a backup, the migration waits for as long as that
    takes. Meanwhile it delays others by no more than a moment.

    Args:
        url: The database, as the role that owns the schema.
        revision: The last one to run.

    Raises:
        DependencyUnavailableError: The database does not answer, or refuses; the message says why.
    """
    # Alembic and SQLAlchemy take 40 MB, so only the process that migrates imports them.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    while True:
        try:
            command.upgrade(config, revision)
        except (DBAPIError, psycopg.Error) as error:
            # The original error: SQLAlchemy's wrapper adds the whole script to the message.
            reason = error.orig if isinstance(error, DBAPIError) else error
            if not isinstance(reason, psycopg.errors.LockNotAvailable):
                raise DependencyUnavailableError(
                    f"the database cannot be migrated: {reason}"
                ) from error
            # The migration is one transaction, so nothing has changed.
            _log.warning("migration_waits_for_table", reason=str(reason), next_try_in_s=_PAUSE_S)
            time.sleep(_PAUSE_S)
        else:
            return


async def ensure_schema(pool: Pool) -> None:
    """Wait for the database, and migrate it when its schema is older than this code's.

    Raises:
        DependencyUnavailableError: The migration failed; its output says why.
    """
    if not is_current(await wait_for_database(pool)):
        await _migrate_in_a_process()


async def _migrate_in_a_process() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.persistence",
        "migrate",
        env=dict(os.environ),
        # Its standard output, the log, goes to ours: it may have to say what it waits for.
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise DependencyUnavailableError(
            f"the migration failed with {process.returncode}: {errors.decode()[-2_000:]}"
        )
    _log.info("migrated", revision=SCHEMA_REVISION)
