"""The real repository of persistence on a test's database, without streams."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import LiteralString

import psycopg

from libs.common import metrics
from libs.common.database import Pool, create_pool
from services.persistence.repository import Repository, prepare_connection


@asynccontextmanager
async def writing(database_url: str, connections: int = 1) -> AsyncIterator[Pool]:
    """Open a pool as persistence has it."""
    pool = create_pool(database_url, name="test", size=connections, configure=prepare_connection)
    async with pool:
        yield pool


@asynccontextmanager
async def storing_into(database_url: str, connections: int = 1) -> AsyncIterator[Repository]:
    """Give a repository with a pool of its own, as a replica has them."""
    async with writing(database_url, connections) as pool:
        yield Repository(pool)


def execute(database_url: str, statement: LiteralString) -> list[tuple[object, ...]]:
    """Run a statement in a transaction of its own; return its rows."""
    with psycopg.connect(database_url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def counted(name: str, table: str = "iss_positions") -> float:
    """Return what a counter of this process's rows says: `written`, `repeated`, `expired`."""
    value = metrics.REGISTRY.get_sample_value(f"cassiopeia_rows_{name}_total", {"table": table})
    return value or 0.0
