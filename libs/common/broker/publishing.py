"""Publishing: an event is accepted once the broker has as many copies of it as it can make."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial

from faststream.redis import RedisBroker
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common import metrics
from libs.common.broker.cluster import one_node_pipeline
from libs.common.broker.copies import Copies
from libs.common.broker.groups import prepare_streams
from libs.common.errors import DependencyUnavailableError
from libs.common.events import Event
from libs.common.layout import UNDIVIDED, Layout
from libs.common.slices import in_slices
from libs.common.topology import Stream

# Small enough that a full pipeline of 1 KiB events is answered within the socket timeout.
PIPELINE_LENGTH = 500
# With the usual settings a cluster takes 16 s to replace a primary. Sentinels take 31 s, and as
# long again until they consider the old one dead.
FAILOVER_S = 75.0
_PAUSE_S = 0.5


class Publisher:
    """Publishes events, many in one round trip."""

    def __init__(self, broker: RedisBroker, redis: Redis, layout: Layout = UNDIVIDED) -> None:
        self._broker = broker
        self._redis = redis
        self._layout = layout
        self._copies = Copies.of(redis)

    async def publish(self, events: Iterable[Event]) -> None:
        """Append events to their streams, in the order given.

        Where a replica can be promoted, this waits for a failover.

        Raises:
            DependencyUnavailableError: The broker did not accept all; publishing again is harmless.
            ConfigurationError: The streams were divided anew; this process knows the old layout.
        """
        by_stream: dict[Stream, list[bytes]] = defaultdict(list)
        for event in events:
            by_stream[self._layout.stream_of(event)].append(event.encode())
        patience_s = FAILOVER_S if self._copies else 0.0
        for stream, bodies in by_stream.items():
            await self._publish_patiently(stream, bodies, patience_s)

    async def publish_bodies(self, stream: Stream, bodies: Sequence[bytes]) -> None:
        """Append encoded messages to one stream.

        Raises:
            DependencyUnavailableError: The broker did not accept all; publishing again is harmless.
            ConfigurationError: The streams were divided anew; this process knows the old layout.
        """
        for chunk in in_slices(bodies, len, most=PIPELINE_LENGTH):
            try:
                await self._append(stream, chunk)
            except (RedisError, DependencyUnavailableError) as error:
                raise DependencyUnavailableError(
                    f"the broker did not accept {len(chunk)} entries for {stream.key}: {error}"
                ) from error
            metrics.EVENTS_PUBLISHED.labels(stream.key).inc(len(chunk))

    async def _publish_patiently(
        self, stream: Stream, bodies: Sequence[bytes], patience_s: float
    ) -> None:
        deadline = time.monotonic() + patience_s
        while True:
            try:
                await self.publish_bodies(stream, bodies)
            except DependencyUnavailableError:
                if time.monotonic() + _PAUSE_S > deadline:
                    raise
                await asyncio.sleep(_PAUSE_S)
            else:
                return

    async def _append(self, stream: Stream, bodies: Sequence[bytes]) -> None:
        if not await self._is_appended(stream, bodies):
            # The stream was removed, or the layout has changed: agree on it as at the start.
            await prepare_streams(self._redis, self._layout)
            if not await self._is_appended(stream, bodies):
                raise DependencyUnavailableError("there is no such stream")

    async def _is_appended(self, stream: Stream, bodies: Sequence[bytes]) -> bool:
        """Append entries; return whether the stream is there, if it is one that has groups."""
        pipeline = one_node_pipeline(self._redis)
        if stream.groups:
            # If publishing created the stream, no group would read it; and never would one if the
            # stream is gone because the layout has changed. FastStream has no option for this.
            pipeline.xadd = partial(pipeline.xadd, nomkstream=True)
        for body in bodies:
            await self._broker.publish(
                body, stream=stream.key, maxlen=stream.max_entries, pipeline=pipeline
            )
        if self._copies is None:
            return None not in await pipeline.execute()
        await self._copies.request(pipeline, stream)
        *ids, role, confirmed = await pipeline.execute()
        await self._copies.require(stream, role, confirmed)
        return None not in ids
