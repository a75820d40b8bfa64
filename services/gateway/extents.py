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
        last: The newest entry that it ever had.
        deleted: The newest entry that was removed with XDEL; a trim does not change this.
        is_shortened: Whether any entry was removed, with XDEL or by a trim.
    """

    first: EntryId | None
    last: EntryId
    deleted: EntryId
    is_shortened: bool

    def lacks(self, seen: EntryId) -> bool:
        """Whether entries after the last one seen are gone. Pure.

        A trim does not tell what it removed: if the seen entry was the last one removed and more
        have come since, this is true as well, although nothing is missing.
        """
        if self.deleted > seen:
            return True
        return self.is_shortened and seen < self.last and (self.first is None or self.first > seen)


# The extent of a missing stream, which was never written to or was deleted.
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
