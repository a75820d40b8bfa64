"""PostgreSQL: how pools are made, which errors are transient, and which schema is expected."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection, BaseConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger
from libs.common.outage import Outage
from libs.common.runtime import Runtime
from libs.common.settings import DatabaseSettings

_log = get_logger(__name__)

# The newest migration of services/persistence; a test checks that it is.
SCHEMA_REVISION = "0010"
READER_ROLE = "cassiopeia_reader"

Connection = AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]

# Errors that pass without our doing: the server restarts, a lock is held, the disk is full, a
# failover has left the old primary read-only.
TRANSIENT_ERRORS = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
    PoolTimeout,
)
# Errors that concern single rows; splitting the batch finds these. ProgramLimitExceeded: a text may
# be too long for an index, which psycopg counts as an OperationalError; it would be tried for ever.
ROW_ERRORS = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)

# For processes that answer people, whose queries take milliseconds. The server cancels a query that
# takes this long. A server that hangs cancels nothing, so the client gives up a second later.
READ_STATEMENT_S = 3
READ_PATIENCE_S = 4.0
# Less than the second after which `run_checks` cancels a check: `hanging_up_at` tells how long a
# cancellation would take.
_CHECK_S = 0.9

# Detects a connection that a firewall or a dead host has dropped silently within half a minute, not
# after the quarter of an hour for which Linux retransmits.
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

    A read-only pool takes on the reader's role, which may only select, whatever role the URL logs
    in with.
    """
    # Below the 60 s after which a consumer's entries may be reclaimed and handled twice. A wait for
    # a lock ends long before, with an error of its own: such a batch is not too large, and need not
    # be halved.
    statement_s = READ_STATEMENT_S if read_only else 30
    options = (
        f"-c statement_timeout={statement_s}s -c lock_timeout=10s"
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
        # A process that answers people has an older answer at hand, or reports an error.
        timeout=2.0 if read_only else 5.0,
        # The pool doubles its pause after each failure. With the default, a database that was away
        # for two minutes would be noticed a minute and a half after its return.
        reconnect_timeout=5.0,
        max_lifetime=3_600.0,
        kwargs={
            "application_name": name,
            "options": options,
            "connect_timeout": 5,
            **KEEPALIVE,
        },
    )


@asynccontextmanager
async def pooled(
    service: str,
    settings: DatabaseSettings,
    runtime: Runtime,
    *,
    read_only: bool = False,
    configure: Callable[[Connection], Awaitable[None]] | None = None,
) -> AsyncIterator[Pool]:
    """Give a service its pool, which it opens itself; close it at the end.

    The service's readiness depends on the database from now on.
    """
    pool = create_pool(
        settings.database_url.get_secret_value(),
        name=settings.name_of(service),
        size=settings.database_pool_size,
        read_only=read_only,
        configure=configure,
    )
    runtime.checks["database"] = lambda: check_database(pool)
    try:
        yield pool
    finally:
        await pool.close()


def cut_off(connection: BaseConnection[Any]) -> None:
    """Make everything that waits for the database on a connection fail at once, in any thread.

    Closing the connection would not wake up a thread that waits for an answer; shutting down its
    socket does.
    """
    with (
        suppress(OSError, psycopg.OperationalError),  # it has ended already
        # The same socket under another descriptor, because psycopg still waits on its own one.
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def hanging_up_at(connection: Connection, deadline_s: float) -> AsyncIterator[None]:
    """Cut off a connection that is still in use at a given time of the event loop's clock.

    When a server hangs, neither its own limits apply nor those of TCP, because its kernel still
    acknowledges. Cancelling would take ten seconds more, because psycopg first asks the server to
    cancel the query. So the socket is shut down, as if by the server; the pool then discards the
    connection.

    Raises:
        psycopg.OperationalError: The time was over.
    """
    late = False

    def hang_up() -> None:
        nonlocal late
        late = True
        cut_off(connection)

    timer = asyncio.get_running_loop().call_at(deadline_s, hang_up)
    try:
        yield
    except psycopg.OperationalError as error:
        if late:
            raise psycopg.OperationalError("the database did not answer in time") from error
        raise
    finally:
        timer.cancel()


async def schema_revision(connection: Connection) -> str | None:
    """Return the schema's revision; None in an empty database."""
    row = await (await connection.execute("SELECT to_regclass('alembic_version')")).fetchone()
    if row is None or row[0] is None:
        return None
    row = await (await connection.execute("SELECT version_num FROM alembic_version")).fetchone()
    return str(row[0]) if row else None


async def wait_for_database(pool: Pool) -> str | None:
    """Wait until the database answers; return its schema's revision, None when it is empty."""
    outage = Outage(_log, "waiting_for_database")
    while True:
        try:
            async with pool.connection() as connection:
                return await schema_revision(connection)
        except TRANSIENT_ERRORS as error:
            outage.began(reason=str(error))
            await asyncio.sleep(1.0)


def is_current(revision: str | None) -> bool:
    """Whether a schema is at least as new as the one that this code knows.

    A newer one is accepted, because migrations keep the previous release working.
    """
    return revision is not None and revision >= SCHEMA_REVISION


async def wait_for_schema(pool: Pool) -> None:
    """Wait until `persistence`, which alone migrates, has brought the schema up to date."""
    outage = Outage(_log, "waiting_for_migration")
    while not is_current(revision := await wait_for_database(pool)):
        outage.began(found=revision, needed=SCHEMA_REVISION)
        await asyncio.sleep(1.0)


async def check_database(pool: Pool) -> None:
    """Ask the database for a sign of life.

    Raises:
        DependencyUnavailableError: It does not answer.
    """
    deadline_s = asyncio.get_running_loop().time() + _CHECK_S
    try:
        async with (
            pool.connection(timeout=_CHECK_S) as connection,
            hanging_up_at(connection, deadline_s),
            connection.transaction(),
        ):
            await connection.execute("SELECT 1")
    except TRANSIENT_ERRORS as error:
        raise DependencyUnavailableError(f"the database does not answer: {error}") from error
