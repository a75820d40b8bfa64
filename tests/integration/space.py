"""ingest_space as a whole, on real servers, beside simulated upstreams."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import HttpUrl, SecretStr
from redis.asyncio import Redis

from libs.common.broker import as_bytes
from libs.common.events import Event, decode
from libs.common.polling.sources import SourceRegistry, SourceStatus
from libs.common.runtime import Runtime
from libs.common.topology import EVENTS_SPACE
from services.ingest_space.bootstrap import APOD, ASTEROIDS, EJECTIONS, FLARES, LAUNCHES, bootstrap
from services.ingest_space.settings import IngestSpaceSettings
from services.persistence.repository import Repository, prepare_connection
from tests.upstreams.launchlibrary import LaunchLibrary
from tests.upstreams.nasa import Nasa
from tests.upstreams.server import running
from tests.waiting import wait_until

SOURCES = (APOD, ASTEROIDS, FLARES, EJECTIONS, LAUNCHES)
KEY = "kEy0f0urTests0123456789abcdefghijklmnop"
TOKEN = "t0ken0f0urTests0123456789abcdef"
# Nobody listens there.
NOWHERE = HttpUrl("http://127.0.0.1:9")
# Longer than the longest period; three of them stay within a day.
STEP = timedelta(hours=7)


def _first_minutes_of_today() -> timedelta:
    now = datetime.now(UTC)
    return datetime.combine(now.date(), time(0, 5), UTC) - now


@dataclass
class Clock:
    """The machine's time, moved; at first to the first minutes of its day."""

    ahead: timedelta = field(default_factory=_first_minutes_of_today)

    def now(self) -> datetime:
        """Return the moved time."""
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        """Return the moved time in seconds."""
        return self.now().timestamp()

    def unix(self) -> float:
        """Return the moved time as a simulator takes it."""
        return self.now().timestamp()


@dataclass
class Space:
    """The service, its upstreams and its broker."""

    redis: Redis
    settings: IngestSpaceSettings
    clock: Clock
    nasa: Nasa
    launches: LaunchLibrary

    async def poll(self, sources: Sequence[str] = SOURCES) -> dict[str, SourceStatus]:
        """Start the service when every poll is due, let each source poll once, and stop it."""
        registry = SourceRegistry(self.redis)
        self.clock.ahead += STEP
        began = self.clock.now()

        async def polled() -> dict[str, SourceStatus] | None:
            found = {each.name: each for each in await registry.all()}
            late = [name for name in sources if name not in found]
            late += [name for name in found if found[name].last_attempt < began]
            return None if late else found

        runtime = Runtime()
        try:
            async with bootstrap(self.settings, runtime, self.clock):
                statuses = await wait_until(polled, 40, "every source has polled")
                runtime.stop.set()
        finally:
            await runtime.finish()
        assert runtime.failure is None
        assert statuses
        return statuses

    async def published(self) -> list[Event]:
        """Return every event of the stream, in order."""
        entries: Any = await self.redis.xrange(EVENTS_SPACE.key)
        return [decode(as_bytes(fields[b"__data__"])) for _, fields in entries]


def settings(valkey_url: str, **changes: Any) -> IngestSpaceSettings:
    """Return settings under which nothing real is called."""
    fields: dict[str, Any] = {
        "redis_url": SecretStr(valkey_url),
        "nasa_url": NOWHERE,
        "launchlibrary_url": NOWHERE,
        "nasa_timeout_seconds": 3.0,
        "launchlibrary_timeout_seconds": 3.0,
        "CASSIOPEIA_NASA_API_KEY": SecretStr(KEY),
        "launchlibrary_token": SecretStr(TOKEN),
    }
    return IngestSpaceSettings(**(fields | changes))


@asynccontextmanager
async def simulated(redis: Redis, valkey_url: str, **changes: Any) -> AsyncIterator[Space]:
    """Give the service beside running simulators that know its key and refuse what is too much."""
    clock = Clock()
    nasa = Nasa(key=KEY, demo=False, enforce_limits=True, clock=clock.unix)
    launches = LaunchLibrary(enforce_limits=True, clock=clock.unix)
    async with running(nasa), running(launches):
        urls = {"nasa_url": HttpUrl(nasa.url), "launchlibrary_url": HttpUrl(launches.url)}
        chosen = settings(valkey_url, **(urls | changes))
        yield Space(redis, chosen, clock, nasa, launches)


async def stored(database_url: str, events: list[Event], query: str) -> list[dict[str, Any]]:
    """Let persistence's repository take events; return what a query gives then."""
    pool = AsyncConnectionPool(
        database_url, min_size=1, max_size=1, open=False, configure=prepare_connection
    )
    async with pool:
        assert await Repository(pool).store(events) == []
        async with pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(query)
            return await cursor.fetchall()
