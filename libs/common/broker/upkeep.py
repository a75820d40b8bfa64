"""Upkeep of the broker over months: trim streams, remove idle consumers, measure lengths."""

import asyncio
from collections.abc import Iterable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common import metrics
from libs.common.broker.idle_consumers import remove_idle_consumers
from libs.common.broker.trimming import trim
from libs.common.logging import get_logger
from libs.common.topology import ALL_STREAMS, Stream

_log = get_logger(__name__)

UPKEEP_EVERY_S = 60.0


async def keep_in_shape_forever(redis: Redis, streams: Iterable[Stream] = ALL_STREAMS) -> None:
    """Look after all streams every minute; several processes may do so at once."""
    streams = tuple(streams)
    while True:
        await asyncio.sleep(UPKEEP_EVERY_S)
        for stream in streams:
            try:
                await keep_in_shape(redis, stream)
            except RedisError as error:
                _log.debug("upkeep_failed", stream=stream.key, reason=str(error))


async def keep_in_shape(redis: Redis, stream: Stream) -> None:
    """Trim one stream, remove the consumers that left its groups, and measure its length.

    Raises:
        redis.exceptions.RedisError: The broker did not answer, or a group is missing.
    """
    if removed := await trim(redis, stream):
        _log.info("trimmed", stream=stream.key, entries=removed)
    metrics.STREAM_LENGTH.labels(stream.key).set(await redis.xlen(stream.key))
    for group in stream.groups:
        if left := await remove_idle_consumers(redis, stream.key, group):
            _log.info("consumers_removed", stream=stream.key, group=group, consumers=left)
