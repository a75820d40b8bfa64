"""The events of a scenario, published as a producer does it: again, until they are accepted."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

from libs.common.broker import PIPELINE_LENGTH, Publisher, connect, create_broker
from libs.common.errors import DependencyUnavailableError
from libs.common.topology import EVENTS_ISS
from tests.chaos.poison import poison
from tests.chaos.positions import position, times

POISON = 50
_RETRY_PAUSE_S = 0.1


class Pipeline(NamedTuple):
    """What is published in one round trip: the entries, and the ids of the events among them."""

    ids: list[UUID]
    bodies: list[bytes]


class Load:
    """Positions with poison strewn in, and what the broker has accepted of them.

    Args:
        publisher: Where they go.
        count: Valid events.
        choose: Where the poison stands.

    Attributes:
        accepted: The ids of the valid events that were accepted.
        poison: The bodies that must become dead letters.
        retries: How often the broker did not accept a pipeline, and it was sent again.
    """

    def __init__(self, publisher: Publisher, count: int, choose: random.Random) -> None:
        self._publisher = publisher
        self._times = times(count)
        self.poison = poison(POISON, choose)
        self._poison_before: dict[int, list[bytes]] = {}
        for body in self.poison:
            self._poison_before.setdefault(choose.randrange(count), []).append(body)
        self.accepted: set[UUID] = set()
        self.retries = 0

    def parts(self, count: int) -> list[range]:
        """Divide the events into consecutive parts of almost equal length."""
        total = len(self._times)
        bounds = [total * index // count for index in range(count + 1)]
        return [range(*pair) for pair in itertools.pairwise(bounds)]

    def prepare(self, part: range) -> list[Pipeline]:
        """Make the entries of a part, so that publishing it takes no time for making them."""
        pipelines = []
        for start in range(part.start, part.stop, PIPELINE_LENGTH):
            pipeline = Pipeline([], [])
            for index in range(start, min(start + PIPELINE_LENGTH, part.stop)):
                event = position(self._times[index])
                pipeline.ids.append(event.id)
                pipeline.bodies.extend(self._poison_before.get(index, []))
                pipeline.bodies.append(event.encode())
            pipelines.append(pipeline)
        return pipelines

    async def publish(self, pipelines: Sequence[Pipeline]) -> None:
        """Publish what was prepared; wait for the broker as long as it is away."""
        for pipeline in pipelines:
            await self._publish(pipeline.bodies)
            self.accepted.update(pipeline.ids)

    async def _publish(self, bodies: Sequence[bytes]) -> None:
        while True:
            try:
                await self._publisher.publish_bodies(EVENTS_ISS, bodies)
            except DependencyUnavailableError:
                self.retries += 1
                await asyncio.sleep(_RETRY_PAUSE_S)
            else:
                return


@asynccontextmanager
async def publishing(redis_url: str) -> AsyncIterator[Publisher]:
    """Return a publisher as the services have it."""
    redis, broker = connect(redis_url, "load"), create_broker(redis_url, "load")
    try:
        async with broker:
            yield Publisher(broker, redis)
    finally:
        await redis.aclose()
