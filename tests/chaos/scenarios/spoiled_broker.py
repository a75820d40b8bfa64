"""What a hand with a command line can do to the broker while events are being stored."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from redis.asyncio import Redis

from libs.common.broker import connect
from libs.common.topology import EVENTS_ISS, PERSISTENCE
from tests.chaos.audit import audit, stored_ids
from tests.chaos.load import Load, publishing
from tests.chaos.progress import until_settled
from tests.chaos.scenario import Report, Stage
from tests.processes import Replicas

REPLICAS = 2
# A larger backlog shows nothing that a smaller one does not.
_MOST_EVENTS = 10_000
_POISON = 50
_SPOILED_S = 2.0
# Their watch looks every 5 s, three times where the broker refuses; then they are started anew.
_SETTLED_WITHIN_S = 90.0


@dataclass(frozen=True)
class SpoiledBroker:
    """A broker that lost what it should keep, and consumers that come back by themselves.

    What was in the stream and not stored yet goes with the stream: nobody but the broker had it.
    The scenario counts it apart, and everything that was accepted afterwards as ever.

    Attributes:
        name: What the services are told afterwards, or what was done.
        spoil: Does it.
        takes_stream: Whether the entries of the stream go with it.
    """

    name: str
    spoil: Callable[[Redis], Awaitable[None]]
    takes_stream: bool

    async def run(self, stage: Stage) -> Report:
        """Spoil the broker between two halves of the events."""
        url = stage.environment["CASSIOPEIA_REDIS_URL"]
        count = min(stage.events, _MOST_EVENTS)
        safe_from = count // 2 if self.takes_stream else 0
        places = [stage.choose.randrange(safe_from, count) for _ in range(_POISON)]
        async with connect(url, "chaos") as redis, publishing(url) as publisher:
            load = Load(publisher, count, stage.choose, places)
            before, after = (load.prepare(part) for part in load.parts([self.name] * 2))
            async with Replicas(
                "persistence", REPLICAS, environment=stage.environment, logs=stage.logs
            ) as replicas:
                for process in replicas.processes:
                    await process.wait_until_ready()
                await load.publish(self.name, before)
                early = set(load.accepted)
                struck_at = time.monotonic()
                await self.spoil(redis)
                # The publisher is refused while the key is no stream, and comes again.
                await asyncio.gather(_mend(redis), load.publish(self.name, after))
                await until_settled(redis, _SETTLED_WITHIN_S)
                recovery_s = time.monotonic() - struck_at
                for process in replicas.processes:
                    await process.wait_until_ready()
            gone = await self._let_go(load, early, stage.database_url)
            report = await audit(redis, stage.database_url, load)
        for row in report.rows:
            row.recovery_s = recovery_s
        if self.takes_stream:
            report.remarks.append(f"{gone:,} events were not stored yet and went with the stream")
        # Reading again needs the group, which a process makes when it starts.
        asked = {f"{process.name} ended with 1 by itself" for process in replicas.processes}
        report.check(
            "no process ended but to make its group again: others",
            [surprise for surprise in replicas.surprises if surprise not in asked],
            [],
        )
        return report

    async def _let_go(self, load: Load, early: set[UUID], database_url: str) -> int:
        """Take what went with the stream out of the account; return how many events that were."""
        if not self.takes_stream:
            return 0
        gone = early - set(await asyncio.to_thread(stored_ids, database_url))
        for event in gone:
            del load.accepted[event]
        return len(gone)


async def destroy_group(redis: Redis) -> None:
    """Remove the consumer group; the entries stay."""
    await redis.xgroup_destroy(EVENTS_ISS.key, PERSISTENCE)


async def flush(redis: Redis) -> None:
    """Remove everything."""
    await redis.flushall()


async def replace_stream(redis: Redis) -> None:
    """Write a string under the key of the stream."""
    await redis.set(EVENTS_ISS.key, "spoiled")


async def _mend(redis: Redis) -> None:
    """Notice after a while that the key holds a string, and remove that."""
    await asyncio.sleep(_SPOILED_S)
    if await redis.type(EVENTS_ISS.key) == b"string":
        await redis.delete(EVENTS_ISS.key)


SPOILED_BROKERS = (
    SpoiledBroker("NOGROUP", destroy_group, takes_stream=False),
    SpoiledBroker("FLUSHALL", flush, takes_stream=True),
    SpoiledBroker("WRONGTYPE", replace_stream, takes_stream=True),
)
