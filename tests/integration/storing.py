"""The real persistence inside of a test's own process, and what it has stored."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString

import psycopg
from redis.asyncio import Redis

from libs.common.runtime import Runtime
from services.persistence.bootstrap import bootstrap
from services.persistence.settings import PersistenceSettings
from tests.integration.consumers import all_done
from tests.waiting import wait_until


@asynccontextmanager
async def storing(valkey_url: str, database_url: str, **settings: Any) -> AsyncIterator[Runtime]:
    """Run the service until the body ends; `settings` are those that differ, by name."""
    chosen = PersistenceSettings(redis_url=valkey_url, database_url=database_url, **settings)
    runtime = Runtime()
    async with bootstrap(chosen, runtime):
        runtime.started()
        try:
            yield runtime
        finally:
            runtime.stop.set()
    await runtime.finish()
    assert runtime.failure is None


async def stored(
    valkey_url: str, database_url: str, client: Redis, timeout_s: float = 20, **settings: Any
) -> None:
    """Run the service until every entry is done with."""
    async with storing(valkey_url, database_url, **settings):
        await wait_until(lambda: all_done(client), timeout_s, "an empty stream")


async def query(
    database_url: str, statement: LiteralString, parameters: Sequence[object] = ()
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement, in a transaction of its own."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute(statement, parameters)
        return await cursor.fetchall() if cursor.description else []


async def count(database_url: str) -> int:
    """Return the number of stored positions."""
    ((rows,),) = await query(database_url, "SELECT count(*) FROM iss_positions")
    return int(rows)
