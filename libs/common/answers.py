"""What a source gave last, kept in the broker: to publish only what changed, and for fallbacks."""

from collections.abc import Sequence
from datetime import timedelta

from redis.asyncio import Redis

from libs.common.broker import as_bytes
from libs.common.events import Event, decode_batch
from libs.common.fence import Command, Fence

# Longer than any source leaves a subject unmentioned that it still knows. What comes back after
# that is published again, which is harmless.
MEMORY = timedelta(days=60)


class Published:
    """Which version of each subject was published last, over restarts and replicas.

    An event's id holds its content, so equal ids mean equal content. A subject that is not
    mentioned for a long time is forgotten, so that memory is bounded by what the source knows.
    """

    def __init__(self, redis: Redis, source: str) -> None:
        self._redis = redis
        self._prefix = f"cassiopeia:source:{{{source}}}:published"

    async def is_empty(self) -> bool:
        """Tell whether nothing of the source was published for a long time."""
        return not await self._redis.exists(self._prefix)

    async def changed(self, events: Sequence[Event]) -> list[Event]:
        """Return those events whose content differs from the last of the same subject."""
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
    """The newest events of one source, whole, one per subject: for whoever computes from them."""

    def __init__(self, redis: Redis, source: str) -> None:
        self._redis = redis
        self._key = f"cassiopeia:source:{{{source}}}:last"

    async def load(self) -> list[Event]:
        """Return the newest event of every subject; nothing before the first success."""
        kept = [as_bytes(body) for body in await self._redis.hvals(self._key)]
        # What another release left and this one cannot read is as good as not known.
        return [event for event in decode_batch(kept) if not isinstance(event, ValueError)]

    async def save(self, events: Sequence[Event], fence: Fence) -> None:
        """Remember events that a stream has accepted.

        Raises:
            LeaseLostError: Another replica publishes the source's events by now.
        """
        await fence.write(
            [("HSET", self._key, event.subject or "", event.encode()) for event in events]
        )
