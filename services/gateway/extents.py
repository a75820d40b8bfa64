"""What the broker still has of a stream, and what it has had."""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from libs.common.broker import EntryId
from libs.common.topology import Stream


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a stream reaches.

    Attributes:
        first: Its oldest entry; None when it is empty.
        last: The newest that it ever had.
        deleted: The newest that was removed one by one (XDEL); a trim leaves this as it is.
        is_shortened: Whether anything was removed, by a trim too.
    """

    first: EntryId | None
    last: EntryId
    deleted: EntryId
    is_shortened: bool

    def lacks(self, seen: EntryId) -> bool:
        """Whether entries after the one that was seen are gone. Pure.

        A trim tells not what it took: where the seen entry was the last one taken and more have
        come since, this is true as well.
        """
        if self.deleted > seen:
            return True
        return self.is_shortened and seen < self.last and (self.first is None or self.first > seen)


# Of a stream that is not there, which none ever wrote to or somebody deleted.
NOTHING = Extent(first=None, last=EntryId(0, 0), deleted=EntryId(0, 0), is_shortened=False)


async def extent_of(redis: Redis, stream: Stream) -> Extent:
    """Return the extent of a stream.

    Raises:
        redis.exceptions.RedisError: The broker does not answer.
    """
    if not await redis.exists(stream.key):
        return NOTHING
    info: Any = await redis.xinfo_stream(stream.key)
    first = info["first-entry"]
    return Extent(
        first=EntryId.parse(first[0]) if first else None,
        last=EntryId.parse(info["last-generated-id"]),
        deleted=EntryId.parse(info["max-deleted-entry-id"]),
        is_shortened=info["entries-added"] > info["length"],
    )
