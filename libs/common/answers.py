"""What a source gave last, kept in the broker: for fallbacks, and to publish only what changed."""

from collections.abc import Sequence

from redis.asyncio import Redis

from libs.common.broker import as_bytes
from libs.common.events import Event, decode_batch


class LastAnswer:
    """The newest events of one source, one per subject, over restarts and replicas."""

    def __init__(self, redis: Redis, source: str) -> None:
        self._redis = redis
        self._key = f"cassiopeia:source:{{{source}}}:last"

    async def load(self) -> list[Event]:
        """Return the newest event of every subject; nothing before the first success."""
        kept = [as_bytes(body) for body in await self._redis.hvals(self._key)]
        # What another release left and this one cannot read is as good as not known.
        return [event for event in decode_batch(kept) if not isinstance(event, ValueError)]

    async def changed(self, events: Sequence[Event]) -> list[Event]:
        """Return those events whose content differs from the last of the same subject.

        An event's id holds its content, so equal ids mean equal content.
        """
        if not events:
            return []
        known = {event.id for event in await self.load()}
        return [event for event in events if event.id not in known]

    async def save(self, events: Sequence[Event]) -> None:
        """Remember events that a stream has accepted."""
        if events:
            pipeline = self._redis.pipeline(transaction=False)
            for event in events:
                pipeline.hset(self._key, _subject(event), event.encode())
            await pipeline.execute()


def _subject(event: Event) -> str:
    return event.subject or ""
