"""Follows the event streams, without a consumer group: every gateway needs every event."""

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
# A broker that was flushed, restored or replaced may be behind what was already read from it. This
# is rare, and a check takes two commands per stream.
CHECK_EVERY_S = 5.0
# How many of the newest entries memory needs at start. For other streams a few are enough, because
# the database has what matters. A first poll of all asteroids and launches gives 600 events, one of
# the sky 2,000.
_WANTED: dict[Stream, int] = {
    EVENTS_ISS: RECENT_FIXES,
    EVENTS_ASTRO: 5_000,
    EVENTS_SPACE: 5_000,
}
_WANTED_OTHERWISE = 100


def _wanted(stream: Stream) -> int:
    """Return how many entries of a stream memory needs; any one partition may hold them all."""
    for whole, count in _WANTED.items():
        if whole.has(stream.key):
            return count
    return _WANTED_OTHERWISE


class Follower:
    """Feeds the latest values and the live stream.

    FastStream is not used here: it reads each stream on its own connection and hides the position,
    which `Last-Event-ID` needs.
    """

    def __init__(self, redis: Redis, latest: Latest, hub: LiveHub, cache: HistoryCache) -> None:
        self._redis = redis
        self._reader = StreamReader(redis, count=READ_COUNT)
        self._latest = latest
        self._hub = hub
        self._index_of = {stream.key.encode(): index for index, stream in enumerate(hub.streams)}
        self._cache = cache

    async def fill(self, repositories: Repositories, now: datetime) -> None:
        """Load the current state: what the database has, then what the streams have on top."""
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
        # No `await` from here on, so that no client sees a position in between.
        self._hub.rewind(index)
        for (entry_id, _), event in zip(page, events, strict=True):
            self._pass_on(index, entry_id, event)
        if extent.last > self._hub.offsets.entries[index]:
            # The newest entries are deleted, so a client that connects now has not missed them.
            self._hub.skip(index, extent.last)
        self._latest.fill([event for event in events if isinstance(event, Event)])

    async def _newest(self, stream: Stream, count: int) -> list[Any]:
        """Return the newest entries of a stream, oldest first, read in pages."""
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
        """Read on, also across restarts of the broker, without losing or repeating an entry."""
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
        """Leave positions that are beyond a stream's end, where a read would wait for ever."""
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
            # Persistence, which reads with a consumer group, makes it a dead letter.
            self._hub.skip(index, entry)
