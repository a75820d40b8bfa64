"""What a source gave last, kept in the broker: to publish only changes, and as a fallback."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from redis.asyncio import Redis

from libs.common.broker import as_bytes, text
from libs.common.clock import Clock
from libs.common.events import Event, decode_batch
from libs.common.polling.fence import Command, Fence
from libs.common.polling.lease import LIFE_S, Lease
from libs.common.polling.sources import SourceRegistry

# A source mentions every subject that it still has more often than this. A subject that comes back
# later is published again, which is harmless.
MEMORY = timedelta(days=60)
# All keys that mark data of a source as already published: those written here, and the progress of
# a crawl. A service that keeps any other such state must keep it under `crawl`.
_MARK = re.compile(r"cassiopeia:source:\{(.+?)\}:(?:published|crawl)(?::|$)")
_PAGE = 1_000


class Published:
    """Which version of each subject was published last, across restarts and replicas.

    An event's id is made from its content, so equal ids mean equal content. A subject that is not
    mentioned for 60 days is forgotten, so memory is bounded by what the source still has.
    """

    def __init__(self, redis: Redis, source: str) -> None:
        self._redis = redis
        self._prefix = f"cassiopeia:source:{{{source}}}:published"

    async def is_empty(self) -> bool:
        """Tell whether nothing of the source is known to be published."""
        return not await self._redis.exists(self._prefix)

    async def changed(self, events: Sequence[Event]) -> list[Event]:
        """Return the events whose content differs from what was last published of their subject."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.expire(self._prefix, MEMORY)
        for event in events:
            pipeline.getex(self._key(event), ex=MEMORY)
        _, *known = await pipeline.execute()
        return [event for event, last in zip(events, known, strict=True) if last != event.id.bytes]

    async def save(self, events: Sequence[Event], fence: Fence) -> None:
        """Remember events that a stream has accepted.

        Raises:
            LeaseLostError: Another replica publishes the source's events by now.
        """
        if not events:
            return
        life = ("EX", int(MEMORY.total_seconds()))
        commands: list[Command] = [
            ("SET", self._key(event), event.id.bytes, *life) for event in events
        ]
        await fence.write([*commands, ("SET", self._prefix, "1", *life)])

    def _key(self, event: Event) -> str:
        return f"{self._prefix}:{event.subject or ''}"


class LastAnswer:
    """The newest events of one source, whole, one per subject: for code that computes from them."""

    def __init__(self, redis: Redis, source: str) -> None:
        self._redis = redis
        self._key = f"cassiopeia:source:{{{source}}}:last"

    async def load(self) -> list[Event]:
        """Return the newest event of every subject; none before the first successful poll."""
        kept = [as_bytes(body) for body in await self._redis.hvals(self._key)]
        # Events that another release wrote and this one cannot read are ignored.
        return [event for event in decode_batch(kept) if not isinstance(event, ValueError)]

    async def save(self, events: Sequence[Event], fence: Fence) -> None:
        """Remember events that a stream has accepted.

        Raises:
            LeaseLostError: Another replica publishes the source's events by now.
        """
        await fence.write(
            [("HSET", self._key, event.subject or "", event.encode()) for event in events]
        )

    async def forget(self, events: Sequence[Event], fence: Fence) -> None:
        """Forget the subjects of these events.

        Raises:
            LeaseLostError: Another replica publishes the source's events by now.
        """
        await fence.write([("HDEL", self._key, event.subject or "") for event in events])


async def forget_published(redis: Redis, clock: Clock) -> list[str]:
    """Make the sources publish again all that their upstreams have; return the sources' names.

    This is needed when the rows of earlier events are lost. An event whose row still exists does
    not become a second row.

    Raises:
        redis.exceptions.RedisError: The broker does not answer; calling again is harmless.
        LeaseLostError: Another process does the same at this moment; calling again is harmless.
    """
    sources = {source async for source, _ in _marks(redis, "*")}
    await asyncio.gather(*(_forget(redis, clock, source) for source in sources))
    return sorted(sources)


async def _marks(redis: Redis, source: str) -> AsyncIterator[tuple[str, str]]:
    """Yield pairs of a source and a key that marks something of that source as published."""
    async for key in redis.scan_iter(f"cassiopeia:source:{{{source}}}:*", count=_PAGE):
        if match := _MARK.match(text(key)):
            yield match[1], text(key)


async def _forget(redis: Redis, clock: Clock, source: str) -> None:
    # Under the source's lease: otherwise a poll in progress would mark everything as published
    # again.
    fence = Fence(redis, source)
    lease = Lease(redis, owner="forgetting", life_s=LIFE_S, clock=clock, fence=fence)
    if not await lease.acquire():
        await lease.seize()
    await lease.hold(_remove_marks(redis, clock, source))


async def _remove_marks(redis: Redis, clock: Clock, source: str) -> None:
    marks = [mark async for _, mark in _marks(redis, source)]
    for start in range(0, len(marks), _PAGE):
        await redis.unlink(*marks[start : start + _PAGE])
    registry = SourceRegistry(redis)
    # The next leader reads `next_poll` from here, and polls at once.
    if status := await registry.load(source):
        await registry.save(status.model_copy(update={"next_poll": clock.now()}))
