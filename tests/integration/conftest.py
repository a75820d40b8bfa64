"""Clients of the broker, and events on it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from redis.asyncio import Redis

from libs.common.broker import Publisher, connect, create_broker, ensure_groups


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
