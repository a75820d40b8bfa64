"""A service's connection to the broker: made, waited for, prepared and closed in one place."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from faststream.redis import RedisBroker
from redis.asyncio import Redis

from libs.common.broker import (
    check_broker,
    connect,
    create_broker,
    prepare_streams,
    wait_for_broker,
)
from libs.common.layout import Layout
from libs.common.runtime import Runtime
from libs.common.settings import ServiceSettings


class Connection(NamedTuple):
    """What a service talks to the broker with.

    Attributes:
        name: What it is called there: as a client, as a consumer, as the holder of a lease.
        redis: For everything that is not a subscription.
        broker: For subscriptions, which begin when it is started, and for publishing.
    """

    name: str
    redis: Redis
    broker: RedisBroker


@asynccontextmanager
async def connected(
    service: str,
    settings: ServiceSettings,
    runtime: Runtime,
    *,
    prepare: Callable[[Redis, Layout], Awaitable[None]] = prepare_streams,
) -> AsyncIterator[Connection]:
    """Connect a service to the broker once it answers; at the end, stop reading and hang up.

    Args:
        service: Which one.
        settings: Its own.
        runtime: Where its readiness depends on the broker from now on.
        prepare: What must be true of the streams.

    Raises:
        ConfigurationError: The other processes have another layout of the streams.
    """
    url, name = settings.redis_url.get_secret_value(), settings.name_of(service)
    redis = connect(url, name)
    runtime.checks["broker"] = lambda: check_broker(redis)
    try:
        await wait_for_broker(redis)
        await prepare(redis, settings.layout)
        async with create_broker(url, name) as broker:
            yield Connection(name, redis, broker)
    finally:
        await redis.aclose()
