"""What every ingest service has in common: a broker, an HTTP session, pollers, refresh commands."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from redis.asyncio import Redis

from libs.common.broker import Publisher
from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.connecting import Connection, connected
from libs.common.polling.fence import Fence
from libs.common.polling.poller import Poller, PollOptions
from libs.common.polling.providers import Provider
from libs.common.polling.refreshing import obey_refresh
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
        """Return the poller of one source.

        Args:
            options: How the source is polled.
            *providers: The providers, in order of preference.
            fence: The fence that the providers use for what they store themselves, if anything.
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
    clock: Clock = SYSTEM_CLOCK,
) -> AsyncIterator[Connection]:
    """Run a service's pollers while the body runs; let a poll in progress finish at the end.

    Yields:
        The connection to the broker, for whatever else the service does there.
    """
    async with (
        connected(service, settings, runtime) as connection,
        # Upstreams close an idle connection after 5 s or more, perhaps just as we send on it.
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=2.0)) as session,
    ):
        name, redis, broker = connection
        publisher = Publisher(broker, redis, settings.layout)
        redact = Redactor(settings.secret_values())
        pollers = build(Ingest(redis, session, clock, publisher, owner=name, redact=redact))
        await obey_refresh(broker, redis, pollers)
        await broker.start()
        tasks = [
            runtime.spawn(f"poller {poller.source}", poller.run(runtime.stop)) for poller in pollers
        ]
        yield connection
        await asyncio.wait(tasks)
