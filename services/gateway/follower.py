"""Follows the event streams: without a group, because every gateway needs every event."""

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.broker import StreamReader, body_of
from libs.common.events import Event, decode_batch
from libs.common.logging import get_logger
from services.gateway.latest import RECENT_FIXES, LatestIss
from services.gateway.live import LiveHub
from services.gateway.offsets import format_entry_id, parse_entry_id
from services.gateway.repository import Repository

_log = get_logger(__name__)

READ_COUNT = 1_000


class Follower:
    """Feeds the latest values and the live stream.

    FastStream is not used here: it reads each stream on a connection of its own and keeps the
    position to itself, while `Last-Event-ID` needs it.
    """

    def __init__(self, redis: Redis, latest: LatestIss, hub: LiveHub) -> None:
        self._redis = redis
        self._reader = StreamReader(redis, count=READ_COUNT)
        self._latest = latest
        self._hub = hub
        self._index_of = {stream.key.encode(): index for index, stream in enumerate(hub.streams)}

    async def fill(self, repository: Repository) -> None:
        """Learn the present state: from the streams, else from the database."""
        for index, stream in enumerate(self._hub.streams):
            page: Any = await self._redis.xrevrange(stream.key, count=RECENT_FIXES)
            page.reverse()
            events = decode_batch([body_of(fields) for _, fields in page])
            for (entry_id, _), event in zip(page, events, strict=True):
                self._pass_on(index, entry_id, event)
            self._latest.fill([event for event in events if isinstance(event, Event)])
        if self._latest.newest is None:
            stored = await repository.positions(
                since=None, until=None, after=None, order="desc", limit=RECENT_FIXES
            )
            self._latest.fill([position.event for position in stored])

    async def follow_forever(self) -> None:
        """Read on, over restarts of the broker too, without losing or repeating an entry."""
        away = False
        while True:
            try:
                await self._read_once()
            except RedisError as error:
                if not away:
                    away = True
                    _log.warning("broker_away", reason=str(error))
                await asyncio.sleep(0.5)
            else:
                if away:
                    away = False
                    _log.info("broker_back")

    async def _read_once(self) -> None:
        offsets = self._hub.offsets.entries
        answer = await self._reader.read(
            {
                stream.key: format_entry_id(offsets[index])
                for index, stream in enumerate(self._hub.streams)
            }
        )
        for key, page in answer:
            index = self._index_of[key]
            events = decode_batch([body_of(fields) for _, fields in page])
            for (entry_id, _), event in zip(page, events, strict=True):
                self._pass_on(index, entry_id, event)
                if isinstance(event, Event):
                    await self._latest.take(event)

    def _pass_on(self, index: int, entry_id: bytes, event: Event | ValueError) -> None:
        entry = parse_entry_id(entry_id.decode())
        if isinstance(event, Event):
            self._hub.publish(event, index, entry)
        else:
            # Persistence, which has the group, makes a dead letter of it.
            self._hub.skip(index, entry)
