"""The real ingest_iss inside of a test's own process, and what it has published."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.events import (
    Event,
    IssElementsEvent,
    IssPositionEvent,
    Origin,
    decode,
)
from libs.common.polling.sources import SourceRegistry, SourceStatus
from libs.common.runtime import Runtime
from libs.common.topology import EVENTS_ISS
from services.ingest_iss.bootstrap import ELEMENTS, POSITIONS, bootstrap
from services.ingest_iss.settings import IngestIssSettings

NOBODY = "http://127.0.0.1:9"
"""An upstream that is not there."""


@asynccontextmanager
async def ingesting(
    valkey_url: str,
    *,
    positions: str = NOBODY,
    elements: str = NOBODY,
    clock: Clock = SYSTEM_CLOCK,
    **settings: Any,
) -> AsyncIterator[Runtime]:
    """Run the service, which asks every second, until the body ends.

    Args:
        valkey_url: The broker.
        positions: Address of wheretheiss.at.
        elements: Address of Celestrak.
        clock: In place of the machine's.
        **settings: Those that differ, by name.
    """
    chosen: dict[str, Any] = {
        "redis_url": valkey_url,
        "CASSIOPEIA_WHERETHEISS_URL": positions,
        "celestrak_url": elements,
        "CASSIOPEIA_ISS_POLL_SECONDS": 1,
        **settings,
    }
    runtime = Runtime()
    async with bootstrap(IngestIssSettings(**chosen), runtime, clock):
        runtime.started()
        try:
            yield runtime
        finally:
            runtime.stop.set()
    await runtime.finish()
    assert runtime.failure is None


async def published(client: Redis) -> Sequence[Event]:
    """Return every event of the stream, oldest first."""
    entries: Any = await client.xrange(EVENTS_ISS.key)
    return [decode(fields[b"__data__"]) for _, fields in entries]


async def published_positions(
    client: Redis, origin: Origin | None = None
) -> Sequence[IssPositionEvent]:
    """Return the positions, all or those of one origin."""
    return [
        event
        for event in await published(client)
        if isinstance(event, IssPositionEvent) and origin in (None, event.origin)
    ]


async def published_elements(client: Redis) -> Sequence[IssElementsEvent]:
    """Return the sets of elements."""
    return [event for event in await published(client) if isinstance(event, IssElementsEvent)]


async def position_status(client: Redis) -> SourceStatus | None:
    """Return what `/api/v1/sources` would show of the positions."""
    return await SourceRegistry(client).load(POSITIONS)


async def elements_status(client: Redis) -> SourceStatus | None:
    """Return what `/api/v1/sources` would show of the elements."""
    return await SourceRegistry(client).load(ELEMENTS)
