"""Trimming: an entry is removed when it is old enough and every group has acknowledged it.

Streams are never trimmed by length alone: that would drop what a slow or dead consumer has not
read yet.
"""

from typing import Any

from redis.asyncio import Redis

from libs.common.broker import EntryId, text
from libs.common.topology import Stream

# An entry's id holds the time of the server that has the stream, so ages are measured by the same
# clock: a process whose clock is a day ahead would remove what a restore still has to replay.
_NOW_MS = """
local now = redis.call('TIME')
return now[1] * 1000 + math.floor(now[2] / 1000)
"""


async def trim(redis: Redis, stream: Stream) -> int:
    """Remove the entries of one stream that nobody needs any more; return their number.

    The trim is approximate: the broker removes whole nodes of its tree, of up to 100 entries.
    """
    if not await redis.exists(stream.key):
        return 0
    oldest_kept = await _oldest_kept(redis, stream)
    removed = 0
    # One command removes at most 10,000 entries, the broker's own bound. At 200 events a second,
    # one command a minute would never catch up.
    while step := int(await redis.xtrim(stream.key, minid=oldest_kept, approximate=True)):
        removed += step
    return removed


async def now_ms(redis: Redis, stream: Stream) -> int:
    """Return the time, in milliseconds, by the clock that makes the ids of a stream."""
    return int(await redis.register_script(_NOW_MS)(keys=[stream.key]))


async def _oldest_kept(redis: Redis, stream: Stream) -> int:
    """Return the time, in milliseconds, from which on all entries must be kept."""
    oldest_kept = await now_ms(redis, stream) - int(stream.retention.total_seconds() * 1_000)
    groups: Any = await redis.xinfo_groups(stream.key)
    by_name = {text(group["name"]): group for group in groups}
    # A group that somebody made by hand counts as much as one of `topology.py`.
    for name in {*stream.groups, *by_name}:
        if name not in by_name:
            return 0
        pending: Any = await redis.xpending(stream.key, name)
        unread_from = by_name[name]["last-delivered-id"]
        first = pending["min"] if pending["pending"] else unread_from
        # The last delivered entry is kept as well: later entries may have its millisecond.
        oldest_kept = min(oldest_kept, EntryId.parse(first).accepted_ms)
    return oldest_kept
