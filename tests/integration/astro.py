"""The real ingest_astro inside of a test's own process, and what it has published."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from libs.common.broker import connect
from libs.common.events import AstroEventEvent, decode
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceRegistry, SourceStatus
from libs.common.runtime import Runtime
from libs.common.topology import EVENTS_ASTRO, EVENTS_DEAD
from services.ingest_astro.bootstrap import EVENTS, bootstrap
from services.ingest_astro.settings import IngestAstroSettings
from tests.waiting import wait_until

PATIENCE_S = 40.0
STATUS_KEY = f"cassiopeia:source:{{{EVENTS}}}:status"


@dataclass(frozen=True, slots=True)
class World:
    """The broker, and the service on it."""

    redis: Redis
    valkey_url: str

    @asynccontextmanager
    async def service(self, **settings: Any) -> AsyncIterator[Runtime]:
        """Run the service until the body ends; `settings` are those that differ, by name."""
        chosen: dict[str, Any] = {"redis_url": self.valkey_url, **settings}
        runtime = Runtime()
        async with bootstrap(IngestAstroSettings(**chosen), runtime):
            runtime.started()
            try:
                yield runtime
            finally:
                runtime.stop.set()
        await runtime.finish()
        assert runtime.failure is None

    async def poll(self, **settings: Any) -> Sequence[AstroEventEvent]:
        """Run the service for one poll; return what that published."""
        before = len(await self.published())
        # The schedule outlives the service: without this, the next poll is due in a day.
        await self.redis.delete(STATUS_KEY)
        async with self.service(**settings):
            await wait_until(self.status, PATIENCE_S, "the end of a poll")
        return (await self.published())[before:]

    async def published(self) -> Sequence[AstroEventEvent]:
        """Return every event of the stream, oldest first."""
        entries: Any = await self.redis.xrange(EVENTS_ASTRO.key)
        events = [decode(fields[b"__data__"]) for _, fields in entries]
        return [event for event in events if isinstance(event, AstroEventEvent)]

    async def letters(self) -> list[dict[bytes, bytes]]:
        """Return the dead letters."""
        entries: Any = await self.redis.xrange(EVENTS_DEAD.key)
        return [fields for _, fields in entries]

    async def status(self) -> SourceStatus | None:
        """Return what `/api/v1/sources` would show."""
        return await SourceRegistry(self.redis).load(EVENTS)

    async def state(self) -> tuple[SourceState | None, str | None, str]:
        """Return the state, the provider in use, and the reason."""
        status = await self.status()
        assert status is not None
        return status.state, status.provider, status.reason or ""


@asynccontextmanager
async def astro_world(valkey_url: str) -> AsyncIterator[World]:
    """Give a broker that holds nothing yet."""
    async with connect(valkey_url, "test") as redis:
        yield World(redis, valkey_url)
