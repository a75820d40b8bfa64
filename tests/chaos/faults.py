"""The faults of processes and servers that several scenarios strike with."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import psycopg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.broker import text
from libs.common.topology import EVENTS_ISS, PERSISTENCE
from tests.chaos.storm import Fault
from tests.processes import ServiceProcess
from tests.proxies import FAIR, TcpProxy, Weather
from tests.servers import ServerProcess
from tests.waiting import wait_until

# Of a transaction that was stopped before its commit, whose locks the database keeps for a minute.
_TAKEN_OVER_WITHIN_S = 90.0
_HOLDING_WITHIN_S = 60.0
_LOCKED_S = 3.0


class Outages:
    """What makes a server unreachable for a while, one at a time."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    @property
    def now(self) -> bool:
        """Whether a server is away."""
        return self._one.locked()

    def restarted(self, name: str, restart: Callable[[], None]) -> Fault:
        """Return a fault that stops a server and starts it again."""
        return self._of(name, lambda: asyncio.to_thread(restart))

    def under(self, name: str, proxy: TcpProxy, weather: Weather, seconds: float) -> Fault:
        """Return a fault that lets the weather change between the services and a server."""

        async def pass_by() -> None:
            proxy.weather = weather
            try:
                await asyncio.sleep(seconds)
            finally:
                proxy.weather = FAIR

        return self._of(name, pass_by)

    def locked(self, name: str, database_url: str, processes: Sequence[ServiceProcess]) -> Fault:
        """Return a lock that somebody holds on the table, and a kill -9 of who waits for it."""

        async def hold() -> None:
            async with await psycopg.AsyncConnection.connect(database_url) as holder:
                await holder.execute("LOCK TABLE iss_positions IN ACCESS EXCLUSIVE MODE")
                await asyncio.sleep(_LOCKED_S / 2)
                await next(each for each in processes if not each.is_halted).kill()
                await asyncio.sleep(_LOCKED_S / 2)

        return self._of(name, hold)

    def _of(self, name: str, outage: Callable[[], Awaitable[None]]) -> Fault:
        async def strike() -> None:
            # The next one may have been chosen before this one began.
            async with self._one:
                await outage()

        async def possible() -> bool:
            return not self.now

        return Fault(name, strike, possible)


def crash(server: ServerProcess) -> None:
    """Kill a server and start it again."""
    server.kill()
    server.start()


def killed(victim: ServiceProcess, outages: Outages) -> Fault:
    """Return a kill -9 of a replica that is at work."""

    async def possible() -> bool:
        # While a server is away nobody is ready; who waits for it is a victim as good as any.
        return await (victim.is_live() if outages.now else victim.is_ready())

    async def strike() -> None:
        # Who stands still in the middle of a batch must wake up to be a zombie.
        await wait_until(
            lambda: not victim.is_halted, _TAKEN_OVER_WITHIN_S, f"{victim.name} wakes up"
        )
        await victim.kill()

    return Fault("kill -9 of persistence", strike, possible)


def stopped(processes: Sequence[ServiceProcess], redis: Redis, choose: random.Random) -> Fault:
    """Return a SIGSTOP in the middle of a batch; SIGCONT follows when others have taken that."""

    async def strike() -> None:
        zombie = await wait_until(
            lambda: _stop_one_at_work(processes, redis, choose),
            _HOLDING_WITHIN_S,
            "a replica is stopped in the middle of a batch",
        )
        try:
            await wait_until(
                lambda: _holds_nothing(redis, zombie.name),
                _TAKEN_OVER_WITHIN_S,
                f"others take over what {zombie.name} holds",
            )
        finally:
            zombie.send_signal(signal.SIGCONT)

    return Fault("SIGSTOP, later SIGCONT", strike, goes_first=True)


async def _stop_one_at_work(
    processes: Sequence[ServiceProcess], redis: Redis, choose: random.Random
) -> ServiceProcess | None:
    victim = choose.choice(processes)
    if not await _held(redis, victim.name):
        return None
    victim.send_signal(signal.SIGSTOP)
    # It may have acknowledged in between.
    if await _held(redis, victim.name):
        return victim
    victim.send_signal(signal.SIGCONT)
    return None


async def _holds_nothing(redis: Redis, consumer: str) -> bool:
    return await _held(redis, consumer) == 0


async def _held(redis: Redis, consumer: str) -> int | None:
    """Return how many entries a consumer has not acknowledged; None while the broker is away."""
    try:
        pending: Any = await redis.xpending(EVENTS_ISS.key, PERSISTENCE)
    except RedisError:
        return None
    held = {text(each["name"]): int(each["pending"]) for each in pending["consumers"]}
    return held.get(consumer, 0)
