"""PostgreSQL: how pools are made, which errors pass by themselves, and which schema is expected."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger

_log = get_logger(__name__)

# The newest migration of services/persistence; a test holds the two together.
SCHEMA_REVISION = "0009"
READER_ROLE = "cassiopeia_reader"

Connection = AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]

# Everything below passes without our doing: the server restarts, a lock is held, the disk is full,
# a failover has left the old primary read-only.
TRANSIENT_ERRORS = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
    PoolTimeout,
)
# These concern single rows; splitting the batch finds them. A text may be too long for an index: to
# psycopg that is an OperationalError, and it would be tried for ever.
ROW_ERRORS = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)

# A connection that a firewall or a dead host drops in silence is found within half a minute, not
# after the quarter of an hour for which Linux sends the same bytes again.
KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def create_pool(
    url: str,
    *,
    name: str,
    size: int,
    read_only: bool = False,
    configure: Callable[[Connection], Awaitable[None]] | None = None,
) -> Pool:
    """Return a closed pool of at most `size` connections, each prepared by `configure`.

    A read-only pool takes on the reader's role, which may select and nothing else, whatever role
    the URL logs in with.
    """
    # A statement that takes longer than the consumer's reclaim time would be worked on twice.
    # A wait for a lock ends long before that, with an error of its own: what waits is not too much
    # work, and need not be halved.
    options = (
        "-c statement_timeout=30s -c lock_timeout=10s"
        " -c idle_in_transaction_session_timeout=60s -c timezone=UTC"
    )
    if read_only:
        options += f" -c role={READER_ROLE} -c default_transaction_read_only=on"
    return AsyncConnectionPool(
        url,
        name=name,
        min_size=1,
        max_size=size,
        open=False,
        configure=configure,
        # Whoever answers people has an older answer at hand, or says that there is none.
        timeout=2.0 if read_only else 5.0,
        # The pool doubles its pause after each failure: by default, a database that was away for
        # two minutes would be found a minute and a half after its return.
        reconnect_timeout=5.0,
        max_lifetime=3_600.0,
        kwargs={
            "application_name": name,
            "options": options,
            "connect_timeout": 5,
            **KEEPALIVE,
        },
    )


async def schema_revision(connection: Connection) -> str | None:
    """Return the schema's revision; None in an empty database."""
    row = await (await connection.execute("SELECT to_regclass('alembic_version')")).fetchone()
    if row is None or row[0] is None:
        return None
    row = await (await connection.execute("SELECT version_num FROM alembic_version")).fetchone()
    return str(row[0]) if row else None


async def wait_for_database(pool: Pool) -> str | None:
    """Wait until the database answers; return its schema's revision, None when it is empty."""
    complained = False
    while True:
        try:
            async with pool.connection() as connection:
                return await schema_revision(connection)
        except TRANSIENT_ERRORS as error:
            if not complained:
                complained = True
                _log.warning("waiting_for_database", reason=str(error))
            await asyncio.sleep(1.0)


def is_current(revision: str | None) -> bool:
    """Whether a schema is at least the one that this code knows.

    A newer one is accepted: migrations keep the last release working.
    """
    return revision is not None and revision >= SCHEMA_REVISION


async def wait_for_schema(pool: Pool) -> None:
    """Wait until `persistence`, which alone migrates, has brought the schema up to date."""
    complained = False
    while not is_current(revision := await wait_for_database(pool)):
        if not complained:
            complained = True
            _log.warning("waiting_for_migration", found=revision, needed=SCHEMA_REVISION)
        await asyncio.sleep(1.0)


async def check_database(pool: Pool) -> None:
    """Ask the database for a sign of life.

    Raises:
        DependencyUnavailableError: It does not answer.
    """
    try:
        async with pool.connection(timeout=1.0) as connection:
            await connection.execute("SELECT 1")
    except TRANSIENT_ERRORS as error:
        raise DependencyUnavailableError(f"the database does not answer: {error}") from error
