"""A real gateway inside the test's own process, on real servers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from redis.asyncio import Redis

from deploy.embedded.servers import free_ports
from libs.common.broker import Publisher, connect, create_broker
from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.events import Event
from libs.common.runtime import Runtime
from services.gateway.bootstrap import bootstrap
from services.gateway.settings import GatewaySettings


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway: an HTTP client for it, and a way to feed it."""

    http: aiohttp.ClientSession
    publisher: Publisher
    redis: Redis
    url: str

    async def publish(self, events: Sequence[Event]) -> None:
        """Put events into their streams."""
        await self.publisher.publish(events)


# A test asks more quickly than any client; those of the limit itself set their own.
GENEROUS = {"limit_per_minute": 1_000_000, "limit_burst": 1_000_000}


@asynccontextmanager
async def running_gateway(
    valkey_url: str, database_url: str, *, clock: Clock = SYSTEM_CLOCK, **settings: Any
) -> AsyncIterator[Gateway]:
    """Run a gateway until the body ends.

    Args:
        valkey_url: Its broker.
        database_url: Its database.
        clock: In place of the machine's.
        **settings: Those that differ from the defaults.
    """
    port = free_ports(1)[0]
    chosen = GatewaySettings(
        redis_url=valkey_url, database_url=database_url, port=port, **(GENEROUS | settings)
    )
    url = f"http://127.0.0.1:{port}"
    runtime = Runtime()
    broker, redis = create_broker(valkey_url, "test"), connect(valkey_url, "test")
    try:
        async with (
            bootstrap(chosen, runtime, clock),
            broker,
            aiohttp.ClientSession(base_url=url) as http,
        ):
            runtime.started()
            yield Gateway(http, Publisher(broker, redis), redis, url)
            runtime.stop.set()
    finally:
        await runtime.finish()
        await redis.aclose()
