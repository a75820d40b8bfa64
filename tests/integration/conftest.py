"""Clients of the broker, events on it, and places for backups."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from libs.common.broker import Publisher, connect, create_broker, ensure_groups
from tests.servers import Servers


@pytest_asyncio.fixture
async def broker_client(valkey_url: str) -> AsyncIterator[Redis]:
    """A client of an empty broker."""
    async with connect(valkey_url, "test") as client:
        yield client


@pytest_asyncio.fixture
async def publisher(valkey_url: str, broker_client: Redis) -> AsyncIterator[Publisher]:
    """A publisher to an empty broker that has its groups."""
    await ensure_groups(broker_client)
    async with create_broker(valkey_url, "test") as broker:
        yield Publisher(broker, broker_client)


@pytest.fixture
def empty_database_url(servers: Servers) -> Iterator[str]:
    """URL of a database without a schema."""
    name = servers.create_database(migrated=False)
    yield servers.database_url(name)
    servers.drop_database(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of backups that does not exist yet."""
    return tmp_path / "backups"
