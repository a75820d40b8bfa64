"""What every ingest service has in common: a broker, an HTTP session, pollers, refresh commands."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from redis.asyncio import Redis

from libs.common.broker import (
    Publisher,
    check_broker,
    connect,
    create_broker,
    prepare_streams,
    wait_for_broker,
)
from libs.common.clock import Clock, SystemClock
from libs.common.commands import obey_refresh
from libs.common.fence import Fence
from libs.common.polling import Poller, PollOptions
from libs.common.providers import Provider
from libs.common.runtime import Runtime
from libs.common.secrets import Redactor
from libs.common.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Ingest:
    """What a service builds its providers from."""

    redis: Redis
    session: aiohttp.ClientSession
    clock: Clock
    publisher: Publisher
    owner: str
    redact: Redactor

    def poller(
        self, options: PollOptions, *providers: Provider, fence: Fence | None = None
    ) -> Poller:
        """Return the poller of one source; providers in order of preference.

        Args:
            options: How the source is polled.
            *providers: Who is asked.
            fence: The one that the providers write behind, where they remember something.
        """
        return Poller(
            options,
            providers,
            publisher=self.publisher,
            owner=self.owner,
            clock=self.clock,
            fence=fence or Fence(self.redis, options.source),
            redact=self.redact,
        )


@asynccontextmanager
async def ingesting(
    service: str,
    settings: ServiceSettings,
    runtime: Runtime,
    build: Callable[[Ingest], Sequence[Poller]],
    clock: Clock | None = None,
) -> AsyncIterator[None]:
    """Run a service's pollers while the body runs; let a poll in progress finish at the end."""
    clock = clock or SystemClock()
    name = f"{service}-{settings.replica}"
    url = settings.redis_url.get_secret_value()
    redis, broker = connect(url, name), create_broker(url, name)
    runtime.checks["broker"] = lambda: check_broker(redis)
    try:
        await wait_for_broker(redis)
        await prepare_streams(redis, settings.layout)
        # Upstreams close an idle connection after 5 s and more, perhaps while we send on it.
        connector = aiohttp.TCPConnector(keepalive_timeout=2.0)
        async with aiohttp.ClientSession(connector=connector) as session, broker:
            publisher = Publisher(broker, redis, settings.layout)
            redact = Redactor(settings.secret_values())
            pollers = build(Ingest(redis, session, clock, publisher, owner=name, redact=redact))
            await obey_refresh(broker, redis, pollers)
            await broker.start()
            tasks = [
                runtime.spawn(f"poller {poller.source}", poller.run(runtime.stop))
                for poller in pollers
            ]
            yield
            await asyncio.wait(tasks)
    finally:
        await redis.aclose()
