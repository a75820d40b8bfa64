"""Processes killed and servers restarted at random moments, while events keep coming."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.broker import connect
from tests.chaos.audit import audit, group_state
from tests.chaos.load import Load, publishing
from tests.chaos.processes import Replicas, ServiceProcess
from tests.chaos.progress import until_acknowledged, until_settled
from tests.chaos.scenario import Report, Stage
from tests.servers import ServerProcess
from tests.waiting import wait_until

REPLICAS = 2
_VICTIM_WITHIN_S = 60.0
_PUBLISHED_WITHIN_S = 60.0
# Recovery of PostgreSQL, five seconds of pause in FastStream after an error, the reclaim time.
_SETTLED_WITHIN_S = 120.0


@dataclass
class Fault:
    """One fault.

    Attributes:
        name: For the table.
        possible: Whether its victim is there to be struck.
        strike: Does it, and returns when the victim is up again or will be by itself.
    """

    name: str
    possible: Callable[[], Awaitable[bool]]
    strike: Callable[[], Awaitable[None]]


class KillsAndRestarts:
    """kill -9 of persistence; clean restart and kill -9 of the broker and of the database."""

    name = "kills and restarts"

    async def run(self, stage: Stage) -> Report:
        """Publish a part of the events for each fault, and strike while it is being stored."""
        url = stage.environment["CASSIOPEIA_REDIS_URL"]
        async with connect(url, "chaos") as redis, publishing(url) as publisher:
            load = Load(publisher, stage.events, stage.choose)
            async with Replicas(
                "persistence", REPLICAS, environment=stage.environment, logs=stage.logs
            ) as replicas:
                for process in replicas.processes:
                    await process.wait_until_ready()
                storm = _Storm(stage, redis, load, replicas)
                recoveries = await storm.rage()
                await until_settled(redis, _SETTLED_WITHIN_S)
                for process in replicas.processes:
                    await process.wait_until_ready()
            report = await audit(redis, stage.database_url, load)
        report.recovery_s = max(recoveries)
        report.check("every fault struck", storm.struck, stage.kills + len(storm.outages))
        report.check("no process ended unasked", replicas.surprises, [])
        report.remarks.append(f"the publisher sent {load.retries} pipelines again")
        return report


class _Storm:
    """All faults of one run, in random order."""

    def __init__(self, stage: Stage, redis: Redis, load: Load, replicas: Replicas) -> None:
        self._stage = stage
        self._redis = redis
        self._load = load
        self._replicas = replicas
        self._server_is_away = False
        self._one_outage = asyncio.Lock()
        self._began = time.monotonic()
        self.struck = 0
        broker, database = stage.servers.valkey, stage.servers.postgres
        self.outages = [
            self._outage("SIGTERM of the broker", broker.restart),
            self._outage("kill -9 of the broker", partial(_crash, broker)),
            self._outage("fast shutdown of the database", database.restart),
            self._outage("kill -9 of the postmaster", partial(_crash, database)),
        ]

    async def rage(self) -> list[float]:
        """Strike every fault once; return the seconds that each needed to recover."""
        faults = [self._kill() for _ in range(self._stage.kills)] + self.outages
        self._stage.choose.shuffle(faults)
        parts = self._load.parts(len(faults) + 1)
        self._tell("at", "fault", "published", "in flight", "recovery")
        publishing = asyncio.create_task(self._load.publish([]))
        strikes: list[asyncio.Task[float]] = []
        for fault, part in zip(faults, parts, strict=False):
            await publishing
            entries = self._load.prepare(part)
            await wait_until(fault.possible, _VICTIM_WITHIN_S, f"a victim for {fault.name}")
            publishing = asyncio.create_task(self._load.publish(entries))
            # A moment while the part is coming in is a moment with work in progress.
            moment = self._stage.choose.randint(part.start + 1, part.stop)
            await wait_until(
                partial(self._published, moment), _PUBLISHED_WITHIN_S, f"{moment:,} events"
            )
            strikes.append(asyncio.create_task(self._strike(fault)))
        await publishing
        await self._load.publish(self._load.prepare(parts[-1]))
        return await asyncio.gather(*strikes)

    def _published(self, count: int) -> bool:
        return len(self._load.accepted) >= count

    async def _strike(self, fault: Fault) -> float:
        try:
            state = await group_state(self._redis)
            in_flight, mark = f"{state.unread + state.pending:,}", state.last
        except RedisError:
            in_flight, mark = "?", (0, 0)
        published = len(self._load.accepted)
        struck_at = time.monotonic()
        self.struck += 1
        await fault.strike()
        await until_acknowledged(self._redis, mark)
        recovery_s = time.monotonic() - struck_at
        self._tell(
            f"{struck_at - self._began:.1f} s",
            fault.name,
            f"{published:,}",
            in_flight,
            f"{recovery_s:.1f} s",
        )
        return recovery_s

    def _tell(self, at: str, fault: str, *cells: str) -> None:
        self._stage.say(f"  {at:>7}  {fault:<30}" + "".join(f"{cell:>11}" for cell in cells))

    def _kill(self) -> Fault:
        victim = self._stage.choose.choice(self._replicas.processes)
        return Fault(f"kill -9 of {victim.name}", partial(self._is_at_work, victim), victim.kill)

    async def _is_at_work(self, victim: ServiceProcess) -> bool:
        # While a server is away nobody is ready; who waits for it is a victim as good as any.
        return await (victim.is_live() if self._server_is_away else victim.is_ready())

    def _outage(self, name: str, restart: Callable[[], None]) -> Fault:
        async def strike() -> None:
            # The next one may have been chosen before this one began.
            async with self._one_outage:
                self._server_is_away = True
                try:
                    await asyncio.to_thread(restart)
                finally:
                    self._server_is_away = False

        async def possible() -> bool:
            return not self._server_is_away

        return Fault(name, possible, strike)


def _crash(server: ServerProcess) -> None:
    server.kill()
    server.start()
