"""Three replicas keep one limit; `python -m tests.limits` is the long form of this."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.gateways import running_gateway
from tests.limits.clients import Load, Way, complaints, play
from tests.servers import Servers

LOAD = Load(clients=5, seconds=3, per_minute=600, burst=50)


@asynccontextmanager
async def replicas(valkey_url: str, database_url: str, way: Way) -> AsyncIterator[list[str]]:
    """Run three gateways; return their addresses."""
    async with AsyncExitStack() as stack:
        urls = []
        for replica in range(3):
            gateway = await stack.enter_async_context(
                running_gateway(
                    valkey_url,
                    database_url,
                    replica=str(replica),
                    limit_per_minute=LOAD.per_minute,
                    limit_burst=LOAD.burst,
                    trusted_proxies="" if way is Way.DIRECT else "127.0.0.1",
                    log_level="error",
                )
            )
            urls.append(gateway.url)
        # Each has heard of the others.
        await asyncio.sleep(1.1)
        yield urls


@pytest.mark.parametrize("way", Way)
async def test_each_client_gets_its_limit(
    valkey_url: str, reader_database_url: str, way: Way
) -> None:
    """Within one in a hundred, whatever it invents."""
    async with replicas(valkey_url, reader_database_url, way) as urls:
        clients = await play(LOAD, way, urls)
    assert complaints(clients, LOAD, 0.01) == []


async def test_the_door_neither_opens_nor_shuts_without_the_broker(
    servers: Servers, valkey_url: str, reader_database_url: str
) -> None:
    """Killed in the middle, and back empty."""

    async def kill() -> None:
        await asyncio.sleep(LOAD.seconds / 3)
        servers.valkey.kill()
        await asyncio.sleep(LOAD.seconds / 3)
        await asyncio.to_thread(servers.valkey.start)

    async with replicas(valkey_url, reader_database_url, Way.PROXIED) as urls:
        clients = await play(LOAD, Way.PROXIED, urls, kill)
    assert complaints(clients, LOAD, 0.1) == []
