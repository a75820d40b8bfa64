"""A steady load: events into the streams, clients of the gateway, old entries trimmed."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.broker.trimming import trim
from libs.common.errors import DependencyUnavailableError
from libs.common.tasks import end_tasks
from libs.common.topology import EVENT_STREAMS
from tests.chaos.load import publishing
from tests.chaos.positions import position

EVENTS_PER_S = 50
CLIENTS = 20
QUERIES_PER_S = 4
_TICK_S = 0.2
_TRIM_EVERY_S = 10.0
# Each client in turn leaves and comes back, one every so often.
_LEAVE_EVERY_S = 5.0
_QUERIES = (
    "/api/v1/iss/position",
    "/api/v1/iss/positions?limit=500",
    "/api/v1/iss/trend?limit=100",
    "/api/v1/sources",
)


class Load:
    """What is done to the suite while it is watched.

    Args:
        gateway: Its address.
        redis_url: The broker.
        redis: A client of it.
        kept: How long an entry stays in a stream, in place of the day that the suite keeps it: an
            hour would not show whether trimming keeps up.

    Attributes:
        published: Events that were accepted.
        frames: Bytes that clients of the live stream received.
        answers: Answers of the gateway by status; 0 is none.
    """

    def __init__(self, gateway: str, redis_url: str, redis: Redis, kept: timedelta) -> None:
        self._gateway = gateway
        self._redis_url = redis_url
        self._redis = redis
        self._kept = kept
        self._over = asyncio.Event()
        self._turn = 0
        # A day ago: the suite's own positions stay the newest ones.
        self._time = datetime.now(UTC) - timedelta(days=1)
        self.published = 0
        self.frames = 0
        self.answers: Counter[int] = Counter()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep it up while the body runs."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(self._gateway, connector=connector) as session:
            publisher = asyncio.create_task(self._publish())
            others = [
                asyncio.create_task(self._query(session)),
                asyncio.create_task(self._trim()),
                asyncio.create_task(self._take_turns()),
                *(asyncio.create_task(self._listen(session, index)) for index in range(CLIENTS)),
            ]
            try:
                yield
            finally:
                # What is being published is counted when it is accepted.
                self._over.set()
                await publisher
                await end_tasks(*others)

    async def _publish(self) -> None:
        due = time.monotonic()
        async with publishing(self._redis_url) as publisher:
            while not self._over.is_set():
                events = []
                for _ in range(round(EVENTS_PER_S * _TICK_S)):
                    self._time += timedelta(milliseconds=20)
                    events.append(position(self._time))
                while True:
                    try:
                        await publisher.publish(events)
                    except DependencyUnavailableError:
                        await asyncio.sleep(_TICK_S)
                    else:
                        break
                self.published += len(events)
                due += _TICK_S
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _query(self, session: aiohttp.ClientSession) -> None:
        while True:
            for path in _QUERIES:
                try:
                    async with session.get(path) as response:
                        await response.read()
                        self.answers[response.status] += 1
                except aiohttp.ClientError:
                    self.answers[0] += 1
                await asyncio.sleep(1 / QUERIES_PER_S)

    async def _listen(self, session: aiohttp.ClientSession, index: int) -> None:
        timeout = aiohttp.ClientTimeout(total=None)
        while True:
            turn = self._turn
            try:
                async with session.get("/api/v1/events", timeout=timeout) as response:
                    self.answers[response.status] += 1
                    async for chunk in response.content.iter_any():
                        self.frames += len(chunk)
                        if self._turn != turn and self._turn % CLIENTS == index:
                            break
            except aiohttp.ClientError:
                self.answers[0] += 1
            await asyncio.sleep(1.0)

    async def _take_turns(self) -> None:
        while True:
            await asyncio.sleep(_LEAVE_EVERY_S)
            self._turn += 1

    async def _trim(self) -> None:
        streams = [replace(stream, retention=self._kept) for stream in EVENT_STREAMS]
        while True:
            await asyncio.sleep(_TRIM_EVERY_S)
            for stream in streams:
                try:
                    await trim(self._redis, stream)
                except RedisError:
                    self.answers[0] += 1
