"""What must be true of the streams before anything is published or read."""

from collections.abc import Iterable, Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from libs.common.broker.entries import text
from libs.common.errors import ConfigurationError, DependencyUnavailableError
from libs.common.layout import Layout
from libs.common.topology import ALL_STREAMS, EVENT_STREAMS, Stream

# The number of partitions of every event stream, as set in the first process that ever started.
LAYOUT_KEY = "cassiopeia:layout"


async def prepare_streams(redis: Redis, layout: Layout) -> None:
    """Agree on the layout with all other processes, and create every group.

    Raises:
        ConfigurationError: The others have another layout.
    """
    await agree_on_layout(redis, layout)
    await ensure_groups(redis, layout.streams)


async def agree_on_layout(redis: Redis, layout: Layout) -> None:
    """Store the layout if no process has done so yet; otherwise compare it with the stored one.

    Of two processes with different layouts, one would publish where the other does not read.

    Raises:
        ConfigurationError: The others have another layout.
    """
    for stream in EVENT_STREAMS:
        count = layout.counts[stream.name]
        # An undivided stream of an earlier release may hold entries, which must not be forgotten.
        if count > 1 and await redis.exists(stream.key):
            count = 1
        await redis.hsetnx(LAYOUT_KEY, stream.name, str(count))
    known = await stored_layout(redis)
    if known.counts != layout.counts:
        raise ConfigurationError(
            f"CASSIOPEIA_STREAM_PARTITIONS means {layout} for this process, but the broker's"
            f" streams have {known}: give every process the same value; to change it, stop them"
            " all and run `python -m libs.common.repartition`"
        )


async def stored_layout(redis: Redis) -> Layout:
    """Return the layout that the broker's streams have."""
    found: dict[Any, Any] = await redis.hgetall(LAYOUT_KEY)
    return Layout({text(name): int(count) for name, count in found.items()})


async def ensure_groups(redis: Redis, streams: Iterable[Stream] = ALL_STREAMS) -> None:
    """Create every consumer group of the streams at entry `0`, and the stream where it is missing.

    FastStream's default is `$`, which skips everything that was published before (ADR 0002).
    """
    for stream in streams:
        for group in stream.groups:
            try:
                await redis.xgroup_create(stream.key, group, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise


async def group_info(redis: Redis, key: str, group: str) -> Mapping[str, Any] | None:
    """Return what the broker knows of a consumer group; None when the stream has no such group.

    Raises:
        redis.exceptions.ResponseError: There is no such stream.
    """
    groups: Any = await redis.xinfo_groups(key)
    return next((found for found in groups if text(found["name"]) == group), None)


async def require_group(redis: Redis, key: str, group: str) -> Mapping[str, Any]:
    """Return what the broker tells of a consumer group that this process reads with.

    Raises:
        DependencyUnavailableError: The group is gone.
        redis.exceptions.ResponseError: There is no such stream.
    """
    found = await group_info(redis, key, group)
    if found is None:
        raise DependencyUnavailableError(f"{key} has no group {group} any more")
    return found
