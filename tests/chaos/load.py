"""The events of a scenario, published as a producer does it: again, until they are accepted."""

import asyncio
import random
from collections import defaultdict
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


class Part(NamedTuple):
    """Consecutive events, which are published under one fault."""

    fault: str
    start: int
    stop: int


class Pipeline(NamedTuple):
    """What is published in one round trip: the entries, and the ids of the events among them."""

    ids: list[UUID]
    bodies: list[bytes]


class Load:
    """Positions with poison strewn in, and what the broker has accepted of them.

    Args:
        publisher: Where they go.
        count: Valid events.
        choose: Where chance comes from.
        places: Before which event, by its number, each poison entry stands; 50 at random when None.

    Attributes:
        accepted: By the id of each valid event that was accepted the fault it was published under.
        poison_of: By fault the bodies that must become dead letters.
        retries: How often the broker did not accept a pipeline, and it was sent again.
    """

    def __init__(
        self,
        publisher: Publisher,
        count: int,
        choose: random.Random,
        places: Sequence[int] | None = None,
    ) -> None:
        self._publisher = publisher
        self._times = times(count)
        self._poison_before: dict[int, list[bytes]] = {}
        if places is None:
            places = [choose.randrange(count) for _ in range(POISON)]
        for place, body in zip(places, poison(len(places), choose), strict=True):
            self._poison_before.setdefault(place, []).append(body)
        self.accepted: dict[UUID, str] = {}
        self.poison_of: dict[str, list[bytes]] = defaultdict(list)
        self.retries = 0

    def parts(self, faults: Sequence[str]) -> list[Part]:
        """Divide the events into consecutive parts of almost equal length, one per fault."""
        total, count = len(self._times), len(faults)
        return [
            Part(fault, total * index // count, total * (index + 1) // count)
            for index, fault in enumerate(faults)
        ]

    def prepare(self, part: Part) -> list[Pipeline]:
        """Make the entries of a part, so that publishing it takes no time for making them."""
        pipelines = []
        for start in range(part.start, part.stop, PIPELINE_LENGTH):
            pipeline = Pipeline([], [])
            for index in range(start, min(start + PIPELINE_LENGTH, part.stop)):
                event = position(self._times[index])
                pipeline.ids.append(event.id)
                pipeline.bodies.extend(self._poison_at(part.fault, index))
                pipeline.bodies.append(event.encode())
            pipelines.append(pipeline)
        return pipelines

    async def publish(self, fault: str, pipelines: Sequence[Pipeline]) -> None:
        """Publish what was prepared; wait for the broker as long as it is away."""
        for pipeline in pipelines:
            await self._publish(pipeline.bodies)
            self.accepted.update(dict.fromkeys(pipeline.ids, fault))

    async def publish_part(self, part: Part) -> None:
        """Make and publish a part."""
        await self.publish(part.fault, self.prepare(part))

    @property
    def poison(self) -> list[bytes]:
        """The bodies that must become dead letters."""
        return [body for bodies in self.poison_of.values() for body in bodies]

    def _poison_at(self, fault: str, index: int) -> list[bytes]:
        bodies = self._poison_before.get(index, [])
        self.poison_of[fault] += bodies
        return bodies

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
