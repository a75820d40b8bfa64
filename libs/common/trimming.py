"""Trimming: an entry goes when it is old enough and every group has acknowledged it.

Never by length alone: a bound on the length drops what a slow or dead consumer has not read.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.broker import text
from libs.common.clock import Clock
from libs.common.logging import get_logger
from libs.common.topology import ALL_STREAMS, Stream

_log = get_logger(__name__)

TRIM_EVERY_S = 60.0


async def trim(redis: Redis, stream: Stream, now: datetime) -> int:
    """Remove from one stream what nobody needs any more; return how many entries.

    The trim is approximate: the broker removes whole nodes of its tree, of up to 100 entries.
    """
    oldest_kept = int((now - stream.retention).timestamp() * 1_000)
    if not await redis.exists(stream.key):
        return 0
    groups: Any = await redis.xinfo_groups(stream.key)
    by_name = {text(group["name"]): group for group in groups}
    # A group that somebody made by hand counts as much as one of the table.
    for name in {*stream.groups, *by_name}:
        if name not in by_name:
            return 0
        pending: Any = await redis.xpending(stream.key, name)
        unread_from = text(by_name[name]["last-delivered-id"])
        first = text(pending["min"]) if pending["pending"] else unread_from
        # Both are kept, the last delivered one too: its milliseconds may hold later entries.
        oldest_kept = min(oldest_kept, int(first.partition("-")[0]))
    return int(await redis.xtrim(stream.key, minid=oldest_kept, approximate=True))


async def trim_forever(redis: Redis, clock: Clock, streams: Iterable[Stream] = ALL_STREAMS) -> None:
    """Trim all streams again and again; several processes may do it at once."""
    streams = tuple(streams)
    while True:
        await asyncio.sleep(TRIM_EVERY_S)
        for stream in streams:
            try:
                removed = await trim(redis, stream, clock.now())
            except RedisError as error:
                _log.debug("trim_failed", stream=stream.key, reason=str(error))
            else:
                if removed:
                    _log.info("trimmed", stream=stream.key, entries=removed)
