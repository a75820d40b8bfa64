"""Follows the event streams: without a group, because every gateway needs every event."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common import metrics
from libs.common.broker import EntryId, StreamReader, body_of
from libs.common.events import Event, decode_batch
from libs.common.logging import get_logger
from libs.common.outage import Outage
from libs.common.topology import EVENTS_ASTRO, EVENTS_ISS, EVENTS_SPACE, Stream
from services.gateway.cache import HistoryCache
from services.gateway.extents import extent_of
from services.gateway.latest import RECENT_FIXES, Latest
from services.gateway.live import LiveHub
from services.gateway.repositories import Repositories

_log = get_logger(__name__)

READ_COUNT = 1_000
# A broker that was flushed, restored or replaced may be behind what was read of it. It is rare, and
# to ask is two commands for each stream.
CHECK_EVERY_S = 5.0
# Memory wants this many of the newest entries at start; of the others some will do, because the
# database has what matters of them. A first poll of all asteroids and launches is 600 events, one
# of the sky 2,000.
_WANTED: dict[Stream, int] = {
    EVENTS_ISS: RECENT_FIXES,
    EVENTS_ASTRO: 5_000,
    EVENTS_SPACE: 5_000,
}
_WANTED_OTHERWISE = 100


def _wanted(stream: Stream) -> int:
    """Return how many entries of a stream memory wants; each of its partitions may hold all."""
    for whole, count in _WANTED.items():
        if whole.has(stream.key):
            return count
    return _WANTED_OTHERWISE


class Follower:
    """Feeds the latest values and the live stream.

    FastStream is not used here: it reads each stream on a connection of its own and keeps the
    position to itself, while `Last-Event-ID` needs it.
    """

    def __init__(self, redis: Redis, latest: Latest, hub: LiveHub, cache: HistoryCache) -> None:
        self._redis = redis
        self._reader = StreamReader(redis, count=READ_COUNT)
        self._latest = latest
        self._hub = hub
        self._index_of = {stream.key.encode(): index for index, stream in enumerate(hub.streams)}
        self._cache = cache

    async def fill(self, repositories: Repositories, now: datetime) -> None:
        """Learn the present state: what the database has, and over it what the streams have."""
        stored = await repositories.positions.page(limit=RECENT_FIXES)
        known: list[Event] = [position.event for position in stored.items]
        known += await repositories.latest.events(now)
        self._latest.fill(known)
        await self._latest.catalogue.read()
        for index in range(len(self._hub.streams)):
            await self._begin(index)
        self._hub.seed(known)

    async def _begin(self, index: int) -> None:
        """Take the newest entries of a stream, and follow it from there on."""
        stream = self._hub.streams[index]
        extent = await extent_of(self._redis, stream)
        page = await self._newest(stream, _wanted(stream))
        events = decode_batch([body_of(fields) for _, fields in page])
        # From here on in one step of the loop: no client sees a place in between.
        self._hub.rewind(index)
        for (entry_id, _), event in zip(page, events, strict=True):
            self._pass_on(index, entry_id, event)
        if extent.last > self._hub.offsets.entries[index]:
            # Its newest entries are gone: who comes now has missed nothing of them.
            self._hub.skip(index, extent.last)
        self._latest.fill([event for event in events if isinstance(event, Event)])

    async def _newest(self, stream: Stream, count: int) -> list[Any]:
        """Return the newest entries of a stream in their order, read in pages."""
        found: list[Any] = []
        end = "+"
        while len(found) < count:
            page: Any = await self._redis.xrevrange(
                stream.key, max=end, count=min(READ_COUNT, count - len(found))
            )
            if not page:
                break
            found += page
            end = f"({page[-1][0].decode()}"
        found.reverse()
        return found

    async def follow_forever(self) -> None:
        """Read on, over restarts of the broker too, without losing or repeating an entry."""
        outage = Outage(_log, "broker_away", "broker_back")
        checked = time.monotonic()
        while True:
            try:
                await self._read_once()
                if time.monotonic() > checked + CHECK_EVERY_S:
                    checked = time.monotonic()
                    await self._begin_anew()
            except RedisError as error:
                outage.began(reason=str(error))
                await asyncio.sleep(0.5)
            else:
                outage.over()

    async def _begin_anew(self) -> None:
        """Leave a place that the broker does not have: to read on there is to wait for ever."""
        known = self._hub.offsets.entries
        for index, extent in enumerate(await self._hub.extents()):
            if extent.last < known[index]:
                _log.warning(
                    "stream_begins_anew",
                    stream=self._hub.streams[index].key,
                    read=str(known[index]),
                    last=str(extent.last),
                )
                await self._begin(index)

    async def _read_once(self) -> None:
        offsets = self._hub.offsets.entries
        answer = await self._reader.read(
            {stream.key: str(offsets[index]) for index, stream in enumerate(self._hub.streams)}
        )
        for key, page in answer:
            index = self._index_of[key]
            events = decode_batch([body_of(fields) for _, fields in page])
            for (entry_id, _), event in zip(page, events, strict=True):
                self._pass_on(index, entry_id, event)
                if isinstance(event, Event):
                    await self._latest.take(event)
            age_s = time.time() - self._hub.offsets.entries[index].accepted_ms / 1_000
            metrics.GATEWAY_STREAM_AGE.labels(self._hub.streams[index].key).set(max(0.0, age_s))

    def _pass_on(self, index: int, entry_id: bytes, event: Event | ValueError) -> None:
        entry = EntryId.parse(entry_id)
        if isinstance(event, Event):
            self._hub.publish(event, index, entry)
            self._cache.changed(event.type, datetime.fromtimestamp(entry.accepted_ms / 1_000, UTC))
        else:
            # Persistence, which has the group, makes a dead letter of it.
            self._hub.skip(index, entry)
