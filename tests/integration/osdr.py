"""The real ingest_osdr inside of a test's own process, its upstreams, and what it has published."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from libs.common.broker import connect
from libs.common.database import create_pool
from libs.common.events import OsdrDatasetEvent, decode
from libs.common.polling.fence import Fence
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceRegistry, SourceStatus
from libs.common.runtime import Runtime
from libs.common.topology import EVENTS_DEAD, EVENTS_OSDR
from services.ingest_osdr.bootstrap import DATASETS, bootstrap
from services.ingest_osdr.crawl import Crawl
from services.ingest_osdr.settings import IngestOsdrSettings
from services.persistence.repository import Repository, prepare_connection
from tests.upstreams.osdr import Osdr, OsdrSearch
from tests.upstreams.osdr_studies import Studies
from tests.upstreams.server import running
from tests.waiting import wait_until

NOBODY = "http://127.0.0.1:9"
"""An upstream that is not there."""
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class World:
    """Both upstreams, and the broker that the service publishes to."""

    studies: Studies
    osdr: Osdr
    search: OsdrSearch
    redis: Redis
    valkey_url: str

    @asynccontextmanager
    async def service(self, **settings: Any) -> AsyncIterator[Runtime]:
        """Run the service until the body ends; `settings` are those that differ, by name."""
        chosen: dict[str, Any] = {
            "redis_url": self.valkey_url,
            "CASSIOPEIA_OSDR_URL": self.osdr.url,
            "osdr_search_url": self.search.url,
            "CASSIOPEIA_OSDR_POLL_SECONDS": 3_600,
            "osdr_pause_seconds": 0,
            "osdr_retry_seconds": 0.2,
            "osdr_timeout_seconds": 1.0,
            **settings,
        }
        runtime = Runtime()
        async with bootstrap(IngestOsdrSettings(**chosen), runtime):
            runtime.started()
            try:
                yield runtime
            finally:
                runtime.stop.set()
        await runtime.finish()
        assert runtime.failure is None

    async def published(self) -> Sequence[OsdrDatasetEvent]:
        """Return every event of the stream, oldest first."""
        entries: Any = await self.redis.xrange(EVENTS_OSDR.key)
        events = [decode(fields[b"__data__"]) for _, fields in entries]
        return [event for event in events if isinstance(event, OsdrDatasetEvent)]

    async def letters(self) -> list[dict[bytes, bytes]]:
        """Return the dead letters."""
        entries: Any = await self.redis.xrange(EVENTS_DEAD.key)
        return [fields for _, fields in entries]

    async def status(self) -> SourceStatus | None:
        """Return what `/api/v1/sources` would show."""
        return await SourceRegistry(self.redis).load(DATASETS)

    async def wait_for_state(self, state: SourceState) -> SourceStatus:
        """Wait until the source is in a state; return its status."""

        async def reached() -> SourceStatus | None:
            status = await self.status()
            return status if status and status.state is state else None

        status = await wait_until(reached, PATIENCE_S, f"the state {state}")
        assert status is not None
        return status

    async def wait_for_crawl(self) -> None:
        """Wait until a crawl is through."""
        crawl = Crawl(Fence(self.redis, DATASETS))

        async def through() -> bool:
            status = await self.status()
            begun = status is not None and status.last_live is not None
            return begun and await crawl.load() is None

        await wait_until(through, PATIENCE_S, "the end of the crawl")

    async def crawl(self, **settings: Any) -> Sequence[OsdrDatasetEvent]:
        """Run the service for one crawl; return what that published."""
        before = len(await self.published())
        # The schedule outlives the service: without this, the next crawl is due in an hour.
        await self.redis.delete(f"cassiopeia:source:{{{DATASETS}}}:status")
        async with self.service(**settings):
            await self.wait_for_crawl()
        return (await self.published())[before:]


@asynccontextmanager
async def osdr_world(valkey_url: str, count: int) -> AsyncIterator[World]:
    """Run both upstreams with that many studies."""
    studies = Studies.of(count)
    async with (
        running(Osdr(studies)) as osdr,
        running(OsdrSearch(studies)) as search,
        connect(valkey_url, "test") as redis,
    ):
        yield World(studies, osdr, search, redis, valkey_url)


async def stored(
    database_url: str, events: Sequence[OsdrDatasetEvent], query: str
) -> list[tuple[Any, ...]]:
    """Put events into the database as persistence does; return what a query finds then."""
    pool = create_pool(database_url, name="test", size=1, configure=prepare_connection)
    async with pool:
        assert await Repository(pool).store(events) == []
        async with pool.connection() as connection:
            return await (await connection.execute(query.encode())).fetchall()
