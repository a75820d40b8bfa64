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
    """A service's clients of the broker.

    Attributes:
        name: The service's name there: as a client, as a consumer, as the holder of a lease.
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
    """Connect a service to the broker once that answers; at the end, stop reading and disconnect.

    Args:
        service: The service's name.
        settings: The service's settings.
        runtime: Its readiness includes the broker from now on.
        prepare: Prepares the streams, or checks them, before the service uses them.

    Raises:
        ConfigurationError: The other processes use another layout of the streams.
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
