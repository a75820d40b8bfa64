"""A database that accepts and never answers, as the code that asks it sees it."""

import asyncio

import psycopg
import pytest
from psycopg import sql

from libs.common.database import check_database, create_pool
from libs.common.errors import DependencyUnavailableError
from services.gateway.repositories.reading import Reader
from tests.servers import Servers
from tests.waiting import wait_until

WHO = sql.SQL("SELECT pg_backend_pid() AS pid")
PATIENCE_S = 20


async def test_a_connection_that_hangs_is_given_up(
    servers: Servers, reader_database_url: str
) -> None:
    """Within seconds, and it is never used again: its answer would be that of another question."""
    async with create_pool(reader_database_url, name="test", size=1, read_only=True) as pool:
        reader = Reader(pool)
        [before] = await reader.rows(WHO, {})
        with servers.postgres.frozen():
            async with asyncio.timeout(PATIENCE_S):
                with pytest.raises(psycopg.OperationalError, match="in time"):
                    await reader.rows(WHO, {})

        async def answered() -> bool:
            try:
                [after] = await reader.rows(WHO, {})
            except psycopg.OperationalError:
                return False
            assert after["pid"] != before["pid"]
            return True

        await wait_until(answered, PATIENCE_S, "a new connection")


async def test_a_check_is_over_before_it_would_be_cancelled(
    servers: Servers, reader_database_url: str
) -> None:
    """A cancelled query is one that psycopg waits ten seconds for."""
    async with create_pool(reader_database_url, name="test", size=1, read_only=True) as pool:
        await check_database(pool)
        with servers.postgres.frozen():
            async with asyncio.timeout(PATIENCE_S):
                with pytest.raises(DependencyUnavailableError):
                    await check_database(pool)


async def test_a_statement_that_takes_too_long_ends_in_the_server(
    reader_database_url: str,
) -> None:
    """Nobody waits for its answer any more; the connection stays."""
    async with create_pool(reader_database_url, name="test", size=1, read_only=True) as pool:
        reader = Reader(pool)
        [before] = await reader.rows(WHO, {})
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(psycopg.errors.QueryCanceled):
                await reader.rows(sql.SQL("SELECT pg_sleep(60)"), {})
        assert await reader.rows(WHO, {}) == [before]
