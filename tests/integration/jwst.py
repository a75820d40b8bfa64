"""ingest_jwst as a whole, on real servers, beside simulated archives."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import HttpUrl, SecretStr
from redis.asyncio import Redis

from libs.common.broker import as_bytes
from libs.common.events import Event, decode
from libs.common.polling.sources import SourceRegistry, SourceStatus
from libs.common.runtime import Runtime
from libs.common.topology import EVENTS_JWST
from services.ingest_jwst.bootstrap import IMAGES, bootstrap
from services.ingest_jwst.settings import IngestJwstSettings
from services.persistence.repository import Repository, prepare_connection
from tests.waiting import wait_until

# Nobody listens there.
NOWHERE = HttpUrl("http://127.0.0.1:9")


@dataclass
class Clock:
    """The machine's time, moved."""

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Return the moved time."""
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        """Return the moved time in seconds."""
        return self.now().timestamp()

    def unix(self) -> float:
        """Return the moved time as a simulator takes it."""
        return self.now().timestamp()


def settings(valkey_url: str, **changes: Any) -> IngestJwstSettings:
    """Return settings under which nothing real is called."""
    fields: dict[str, Any] = {
        "redis_url": SecretStr(valkey_url),
        "mast_url": NOWHERE,
        "jwstapi_url": NOWHERE,
        "jwst_timeout_seconds": 5.0,
    }
    return IngestJwstSettings(**(fields | changes))


@asynccontextmanager
async def service(chosen: IngestJwstSettings, clock: Clock) -> AsyncIterator[None]:
    """Run the service as `python -m services.ingest_jwst` does; stop it in order."""
    runtime = Runtime()
    try:
        async with bootstrap(chosen, runtime, clock):
            try:
                yield
            finally:
                runtime.stop.set()
    finally:
        await runtime.finish()
    assert runtime.failure is None


async def poll_once(redis: Redis, chosen: IngestJwstSettings, clock: Clock) -> SourceStatus:
    """Start the service when a poll is due, let it poll once, and stop it."""
    registry = SourceRegistry(redis)
    before = await registry.load(IMAGES)
    clock.ahead += timedelta(hours=2)

    async def polled() -> SourceStatus | None:
        status = await registry.load(IMAGES)
        return (
            status if status and (not before or status.last_attempt > before.last_attempt) else None
        )

    async with service(chosen, clock):
        return await wait_until(polled, 30, "a poll")


async def published(redis: Redis) -> list[Event]:
    """Return every event of the stream, in order."""
    entries: Any = await redis.xrange(EVENTS_JWST.key)
    return [decode(as_bytes(fields[b"__data__"])) for _, fields in entries]


async def stored(
    database_url: str, events: list[Event], view: str = "jwst_images"
) -> dict[str, Any]:
    """Let persistence's repository take events; return the rows of a table or view by image."""
    pool = AsyncConnectionPool(
        database_url, min_size=1, max_size=1, open=False, configure=prepare_connection
    )
    async with pool:
        assert await Repository(pool).store(events) == []
        async with pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(f"SELECT * FROM {view}")  # noqa: S608 - one of two names
            return {row["image_id"]: row for row in await cursor.fetchall()}
