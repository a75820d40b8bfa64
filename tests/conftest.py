"""Fixtures that give a test real servers; the objects behind them stand in `tests/servers.py`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest
import redis
import structlog

from libs.common.tasks import end_tasks
from tests.servers import Servers, running_servers

# structlog's own way to print a traceback, with all local variables, takes a second of processor
# time for each, in which an event loop stands still. Its standard output is that of commands too: a
# consumer that logs while a test runs one in the same process must not write into its answer.
structlog.configure(
    logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ],
)


@pytest.fixture(autouse=True)
async def no_stragglers() -> AsyncIterator[None]:
    """End the tasks that a test left behind.

    The end of a loop cancels each once and waits for it; up to Python 3.11 redis-py may swallow one
    cancellation, and a test that passed would never be over.
    """
    yield
    await end_tasks(*asyncio.all_tasks() - {asyncio.current_task()})


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """One PostgreSQL and one Valkey for all tests of this pytest process (xdist worker)."""
    with running_servers() as running:
        yield running


@pytest.fixture
def valkey_url(servers: Servers) -> str:
    """URL of a Valkey that holds nothing yet."""
    client = redis.Redis.from_url(servers.valkey_url)
    try:
        client.flushall()
    finally:
        client.close()
    return servers.valkey_url


@pytest.fixture
def database_url(servers: Servers) -> Iterator[str]:
    """URL of a fresh, migrated database, for the role that owns it."""
    name = servers.create_database()
    yield servers.database_url(name)
    servers.drop_database(name)


@pytest.fixture
def reader_database_url(servers: Servers, database_url: str) -> str:
    """URL of the same database as `database_url`, for the gateway's role, which can only read."""
    return servers.reader_database_url(urlsplit(database_url).path.removeprefix("/"))
