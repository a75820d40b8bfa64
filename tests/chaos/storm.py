"""Faults at random moments while events keep coming; they overlap as they come."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.broker import EntryId, connect
from tests.chaos.audit import audit, group_state
from tests.chaos.load import Load, publishing
from tests.chaos.progress import until_acknowledged, until_settled
from tests.chaos.scenario import Report, Stage
from tests.processes import Replicas
from tests.waiting import wait_until

_VICTIM_WITHIN_S = 90.0
_PUBLISHED_WITHIN_S = 90.0
# Recovery of PostgreSQL, five seconds of pause in FastStream after an error, the reclaim time.
_SETTLED_WITHIN_S = 120.0


async def _always() -> bool:
    return True


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: For the table; faults of one name share a row.
        strike: Does it, and returns when the victim is up again or will be by itself.
        possible: Whether its victim is there to be struck.
        goes_first: Whether it waits for work in progress, of which the others' events make enough.
    """

    name: str
    strike: Callable[[], Awaitable[None]]
    possible: Callable[[], Awaitable[bool]] = _always
    goes_first: bool = False


async def storm(
    stage: Stage,
    faults: Sequence[Fault],
    replicas: Replicas,
    redis_url: str,
    *,
    overlapping: bool,
) -> Report:
    """Publish a part of the events for each fault, strike while it is being stored, and count.

    Args:
        stage: What it plays on.
        faults: All of them strike once, in random order but for those that go first.
        replicas: Who stores.
        redis_url: How the publisher reaches the broker; the count is always made without detours.
        overlapping: Whether a fault may strike while the services still recover from another.
    """
    order = list(faults)
    stage.choose.shuffle(order)
    order.sort(key=lambda fault: not fault.goes_first)
    url = stage.environment["CASSIOPEIA_REDIS_URL"]
    async with connect(url, "chaos") as redis, publishing(redis_url) as publisher:
        load = Load(publisher, stage.events, stage.choose)
        for process in replicas.processes:
            await process.wait_until_ready()
        raging = _Storm(stage, redis, load)
        await raging.rage(order, overlapping=overlapping)
        await until_settled(redis, _SETTLED_WITHIN_S)
        for process in replicas.processes:
            await process.wait_until_ready()
        report = await audit(redis, stage.database_url, load)
    for row in report.rows:
        row.recovery_s = max(raging.recoveries[row.fault], default=0.0)
    struck = sum(map(len, raging.recoveries.values()))
    report.check("every fault struck", struck, len(faults))
    report.remarks.append(f"the publisher sent {load.retries} pipelines again")
    return report


class _Storm:
    def __init__(self, stage: Stage, redis: Redis, load: Load) -> None:
        self._stage = stage
        self._redis = redis
        self._load = load
        self._began = time.monotonic()
        self.recoveries: dict[str, list[float]] = defaultdict(list)

    async def rage(self, faults: Sequence[Fault], *, overlapping: bool) -> None:
        """Strike every fault once, each within its part of the events."""
        parts = self._load.parts([fault.name for fault in faults])
        self._tell("at", "fault", "published", "in flight", "recovery")
        async with asyncio.TaskGroup() as tasks:
            for fault, part in zip(faults, parts, strict=True):
                entries = self._load.prepare(part)
                await wait_until(fault.possible, _VICTIM_WITHIN_S, f"a victim for {fault.name}")
                publishing = tasks.create_task(self._load.publish(part.fault, entries))
                # A moment while the part is coming in is a moment with work in progress.
                moment = self._stage.choose.randint(part.start + 1, part.stop)
                await wait_until(
                    partial(self._published, moment), _PUBLISHED_WITHIN_S, f"{moment:,} events"
                )
                strike = tasks.create_task(self._strike(fault))
                await publishing
                if not overlapping:
                    await strike

    def _published(self, count: int) -> bool:
        return len(self._load.accepted) >= count

    async def _strike(self, fault: Fault) -> None:
        try:
            state = await group_state(self._redis)
            in_flight, mark = f"{state.unread + state.pending:,}", state.last
        except RedisError:
            in_flight, mark = "?", EntryId(0, 0)
        published = len(self._load.accepted)
        struck_at = time.monotonic()
        await fault.strike()
        await until_acknowledged(self._redis, mark)
        recovery_s = time.monotonic() - struck_at
        self.recoveries[fault.name].append(recovery_s)
        self._tell(
            f"{struck_at - self._began:.1f} s",
            fault.name,
            f"{published:,}",
            in_flight,
            f"{recovery_s:.1f} s",
        )

    def _tell(self, at: str, fault: str, *cells: str) -> None:
        self._stage.say(f"  {at:>7}  {fault:<40}" + "".join(f"{cell:>11}" for cell in cells))
