"""Triggers: a client asks for fresh data and waits briefly; the poller decides."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.broker import EntryId, Publisher
from libs.common.clock import Clock
from libs.common.events import OsdrDatasetEvent
from libs.common.polling.refreshing import request_refresh
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceRegistry, SourceStatus
from libs.common.tasks import SingleFlight
from libs.common.topology import EVENTS_OSDR
from services.gateway.latest import Latest
from services.gateway.live import LiveHub

# Even a fast poll takes 100 ms or more.
_LOOK_EVERY_S = 0.1

POSITIONS = "iss"
DATASETS = "osdr"


@dataclass(frozen=True, slots=True)
class Poll:
    """The result of a request for fresh data.

    Attributes:
        is_over: Whether the source was polled within the wait; its limits may forbid that.
        trouble: Why that poll brought nothing; None when it brought data, or is not over.
        written: Datasets that arrived meanwhile.
    """

    is_over: bool
    trouble: str | None = None
    written: int = 0

    @property
    def succeeded(self) -> bool:
        """Whether the newest data are fresh."""
        return self.is_over and self.trouble is None


class Triggers:
    """Asks pollers for a poll before its time.

    Requests for one source that arrive together share one command and one wait. Whether and when
    the poller obeys depends on its limits.
    """

    def __init__(
        self,
        redis: Redis,
        publisher: Publisher,
        *,
        latest: Latest,
        hub: LiveHub,
        clock: Clock,
        wait_s: float,
    ) -> None:
        """Take the broker, and what shows that a poll is over."""
        self._redis = redis
        self._publisher = publisher
        self._registry = SourceRegistry(redis)
        self._latest = latest
        self._hub = hub
        # The stream of datasets, or its partitions.
        self._datasets_from = [
            (index, stream.key)
            for index, stream in enumerate(hub.streams)
            if EVENTS_OSDR.has(stream.key)
        ]
        self._clock = clock
        self._wait_s = wait_s
        self._waiting = SingleFlight[Poll]()

    async def refresh(self, source: str) -> Poll:
        """Ask a source for a poll, and wait for it.

        Raises:
            DependencyUnavailableError: The broker did not accept the command.
        """
        return await self._waiting.do(source, partial(self._refresh, source))

    async def refresh_all(self, sources: Iterable[str]) -> dict[str, Poll]:
        """Ask several sources at once.

        Raises:
            DependencyUnavailableError: The broker did not accept a command.
        """
        names = list(sources)
        polls = await asyncio.gather(*(self.refresh(name) for name in names))
        return dict(zip(names, polls, strict=True))

    async def close(self) -> None:
        """End all waits."""
        await self._waiting.close()

    async def _refresh(self, source: str) -> Poll:
        asked = self._clock.now()
        before = self._datasets
        await request_refresh(self._publisher, source, self._clock)
        if source == POSITIONS:
            return Poll(await self._latest.iss.fetched_after(asked, self._wait_s))
        poll = Poll(is_over=False)
        # Up to Python 3.11, redis-py may swallow the single cancellation with which a timeout ends
        # its block, so the loops also look at the time.
        ends_at = time.monotonic() + self._wait_s
        with suppress(TimeoutError, RedisError):
            async with asyncio.timeout(self._wait_s):
                poll = await self._polled(source, asked, ends_at)
                if source == DATASETS:
                    await self._read_up(ends_at)
        return replace(poll, written=self._datasets - before)

    @property
    def _datasets(self) -> int:
        return self._latest.taken[OsdrDatasetEvent.TYPE]

    async def _polled(self, source: str, asked: datetime, ends_at: float) -> Poll:
        while time.monotonic() < ends_at:
            status = await self._registry.load(source)
            if status is not None and (poll := _outcome(status, asked)).is_over:
                return poll
            await asyncio.sleep(_LOOK_EVERY_S)
        return Poll(is_over=False)

    async def _read_up(self, ends_at: float) -> None:
        """Wait until this process has read what the poll has published."""
        for index, key in self._datasets_from:
            newest: Any = await self._redis.xrevrange(key, count=1)
            last = EntryId.parse(newest[0][0]) if newest else EntryId(0, 0)
            while True:
                if self._hub.offsets.entries[index] >= last or time.monotonic() >= ends_at:
                    break
                await asyncio.sleep(_LOOK_EVERY_S / 10)


def _outcome(status: SourceStatus, asked: datetime) -> Poll:
    """Return what the status of a source says about a poll that was asked for at that time."""
    if status.last_attempt < asked:
        return Poll(is_over=False)
    if status.last_success is not None and status.last_success >= asked:
        return Poll(is_over=True)
    # A part of a crawl counts as an attempt, but not yet as a success.
    is_over = status.state is not SourceState.OK
    return Poll(is_over, trouble=status.reason or status.state)
