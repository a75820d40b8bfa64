"""Brings the database to the newest schema."""

import asyncio
import os
import sys
from pathlib import Path

from libs.common.database import SCHEMA_REVISION, Pool, is_current, wait_for_database
from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger

_log = get_logger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(url: str, revision: str = "head") -> None:
    """Run all pending migrations; safe to call from several processes at once.

    Args:
        url: The database, as the role that owns the schema.
        revision: The last one to run.

    Raises:
        DependencyUnavailableError: The database does not answer, or refuses; it says why.
    """
    # Alembic and SQLAlchemy hold 40 MB: only the process that migrates pays for them.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    try:
        command.upgrade(config, revision)
    except DBAPIError as error:
        # Without SQLAlchemy's wrapping, which adds the whole script to the reason.
        raise DependencyUnavailableError(
            f"the database cannot be migrated: {error.orig}"
        ) from error


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
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise DependencyUnavailableError(
            f"the migration failed with {process.returncode}: {output.decode()[-2_000:]}"
        )
    _log.info("migrated", revision=SCHEMA_REVISION)
