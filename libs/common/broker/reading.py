"""Reading several streams at once, without a consumer group."""

import asyncio
from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.broker.clients import READ_BLOCK_MS
from libs.common.broker.cluster import as_cluster
from libs.common.tasks import end_tasks


class StreamReader:
    """Reads several streams, call after call.

    A single server is asked for all streams in one command. In a cluster they live on different
    nodes, so each stream has a pending read of its own, and a quiet stream delays no other.
    """

    def __init__(self, redis: Redis, *, count: int) -> None:
        self._redis = redis
        self._count = count
        self._reads: dict[str, asyncio.Task[Any]] = {}

    async def read(self, positions: Mapping[str, str]) -> list[tuple[bytes, Any]]:
        """Return the next entries by stream, as XREAD does; nothing when none came in time.

        Args:
            positions: The last entry seen of each stream; it must be unchanged for a stream of
                which the last call returned nothing.

        Raises:
            redis.exceptions.RedisError: A stream could not be read, and no other had entries.
        """
        if as_cluster(self._redis) is None:
            return await self._xread(positions)
        for key, position in positions.items():
            if key not in self._reads:
                self._reads[key] = asyncio.create_task(
                    self._xread({key: position}), name=f"read {key}"
                )
        try:
            await asyncio.wait(self._reads.values(), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # Shielded: this task may be cancelled again before the reads have ended.
            await asyncio.shield(end_tasks(*self._reads.values()))
            raise
        return self._harvest()

    def _harvest(self) -> list[tuple[bytes, Any]]:
        done = [key for key, read in self._reads.items() if read.done()]
        found: list[tuple[bytes, Any]] = []
        failure: RedisError | None = None
        for read in [self._reads.pop(key) for key in done]:
            try:
                found += read.result()
            except RedisError as error:
                failure = error
        if failure and not found:
            raise failure
        return found

    async def _xread(self, positions: Mapping[str, str]) -> list[tuple[bytes, Any]]:
        streams: Any = positions
        answer: Any = await self._redis.xread(streams, count=self._count, block=READ_BLOCK_MS)
        return list(answer or ())
