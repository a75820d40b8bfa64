"""Two replicas that poll one source: the leader halted, cut off, or in another hour."""

import asyncio
import signal
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from redis.asyncio import Redis

from libs.common.broker import BODY_FIELD, EntryId, connect
from libs.common.events import IssPositionEvent, decode
from libs.common.topology import EVENTS_DEAD, EVENTS_ISS
from services.ingest_iss.bootstrap import POSITIONS
from tests.chaos.audit import last_entry, stored_ids
from tests.chaos.faults import crash
from tests.chaos.lease_watch import lease_holder, watched_writes
from tests.chaos.moved_clock import AHEAD, BACK, command
from tests.chaos.progress import until_settled
from tests.chaos.scenario import Report, Row, Stage
from tests.processes import Replicas, ServiceProcess
from tests.proxies import FAIR, TcpProxy, Weather, proxied
from tests.upstreams.celestrak import Celestrak
from tests.upstreams.faults import Fault
from tests.upstreams.server import running
from tests.upstreams.wheretheiss import WhereTheIss
from tests.waiting import wait_until

REPLICAS = 2
SERVICE = "ingest_iss"
# Longer than the 6 s that a lease lives.
_CUT_OFF_S = 8.0
_TORN_S = 3.0
# In this time a zombie has answered its call, asked its stand-in and looked at its lease.
_ZOMBIE_S = 3.0
_GOES_ON_WITHIN_S = 60.0
_SETTLED_WITHIN_S = 60.0


class LeadingPollers:
    """The events of a source go on within seconds, and a leader that was replaced adds none."""

    name = "leading pollers"

    async def run(self, stage: Stage) -> Report:
        """Strike with one fault after the other; wait for the next position after each."""
        url = stage.environment["CASSIOPEIA_REDIS_URL"]
        async with (
            connect(url, "chaos") as redis,
            running(WhereTheIss()) as upstream,
            running(Celestrak()) as celestrak,
            proxied(url, stage.choose) as proxy,
            Replicas("persistence", 1, environment=stage.environment, logs=stage.logs) as stores,
        ):
            environment = {
                **stage.environment,
                upstream.setting: upstream.url,
                celestrak.setting: celestrak.url,
                "CASSIOPEIA_REDIS_URL": proxy.url(url),
                "CASSIOPEIA_ISS_POLL_SECONDS": "1",
            }
            async with Replicas(
                SERVICE,
                REPLICAS,
                environment=environment,
                logs=stage.logs,
                command=command(SERVICE),
            ) as pollers:
                for process in (*stores.processes, *pollers.processes):
                    await process.wait_until_ready()
                play = _Play(stage, redis, upstream, proxy, pollers)
                await play.strike_all()
            await until_settled(redis, _SETTLED_WITHIN_S)
            report = await play.report()
        report.check("no process ended unasked", stores.surprises + pollers.surprises, [])
        return report


class _Play:
    def __init__(
        self,
        stage: Stage,
        redis: Redis,
        upstream: WhereTheIss,
        proxy: TcpProxy,
        pollers: Replicas,
    ) -> None:
        self._stage = stage
        self._redis = redis
        self._upstream = upstream
        self._proxy = proxy
        self._pollers = pollers
        self._rows: dict[str, Row] = {}
        self._first_entries: list[EntryId] = []
        self._zombie_writes: Counter[str] = Counter()

    async def strike_all(self) -> None:
        """Strike with each fault once, and wait until positions come as before."""
        faults: Mapping[str, Callable[[], Awaitable[None]]] = {
            "SIGSTOP of the leader": self._stop_leader,
            "their clocks an hour ahead": partial(self._jump, AHEAD),
            "their clocks right again": partial(self._jump, BACK),
            "their clocks an hour back": partial(self._jump, BACK),
            "their clocks right once more": partial(self._jump, AHEAD),
            "cut off from their broker": partial(self._under, Weather(refusing=True), _CUT_OFF_S),
            "torn messages of theirs": partial(self._under, Weather(halving=0.1), _TORN_S),
            "kill -9 of their broker": self._crash_broker,
        }
        await self._go_on()
        for name, strike in faults.items():
            self._first_entries.append(await last_entry(self._redis))
            struck_at = time.monotonic()
            await strike()
            await self._go_on()
            self._rows[name] = Row(name, recovery_s=time.monotonic() - struck_at)
            self._stage.say(f"  {name:<32}{self._rows[name].recovery_s:>6.1f} s")

    async def report(self) -> Report:
        """Compare what the stream accepted under each fault with the rows."""
        stored = Counter(await asyncio.to_thread(stored_ids, self._stage.database_url))
        rows, ids = list(self._rows.values()), set()
        entries: Any = await self._redis.xrange(EVENTS_ISS.key)
        for entry, fields in entries:
            event = decode(fields[BODY_FIELD])
            if not isinstance(event, IssPositionEvent) or event.id in ids:
                continue
            ids.add(event.id)
            # What came before the first fault belongs to it.
            number = max(0, bisect_left(self._first_entries, EntryId.parse(entry)) - 1)
            row = rows[number]
            row.sent += 1
            row.stored += stored[event.id]
            row.lost += not stored[event.id]
            row.doubled += max(0, stored[event.id] - 1)
        report = Report(rows=rows)
        report.check("every position has a row: missing", sum(row.lost for row in rows), 0)
        report.check("no position has two rows: doubled", sum(row.doubled for row in rows), 0)
        report.check("every row is of a published position: others", len(set(stored) - ids), 0)
        report.check("nothing became a dead letter", await self._redis.xlen(EVENTS_DEAD.key), 0)
        report.check("a replaced leader published: entries", dict(self._zombie_writes), {})
        report.check("no call beyond the limits: violations", self._upstream.log.violations, 0)
        return report

    async def _stop_leader(self) -> None:
        """Stop the leader while its upstream hangs; wake it when another one leads."""
        self._upstream.fault = Fault.HANG
        await wait_until(
            lambda: self._upstream.log.in_flight, _GOES_ON_WITHIN_S, "a call is under way"
        )
        zombie = await wait_until(self._leader, _GOES_ON_WITHIN_S, "somebody leads")
        zombie.send_signal(signal.SIGSTOP)
        try:
            self._upstream.fault = None
            await wait_until(
                lambda: self._leads_another(zombie), _GOES_ON_WITHIN_S, "another one leads"
            )
            await self._go_on()
            async with watched_writes(self._redis, EVENTS_ISS.key) as writes:
                zombie.send_signal(signal.SIGCONT)
                await asyncio.sleep(_ZOMBIE_S)
        finally:
            zombie.send_signal(signal.SIGCONT)
        if zombie.name in writes:
            self._zombie_writes[zombie.name] = writes[zombie.name]
        elif not writes:
            raise AssertionError("nobody was seen to publish")

    async def _jump(self, number: signal.Signals) -> None:
        for process in self._pollers.processes:
            process.send_signal(number)

    async def _under(self, weather: Weather, seconds: float) -> None:
        self._proxy.weather = weather
        await asyncio.sleep(seconds)
        self._proxy.weather = FAIR

    async def _crash_broker(self) -> None:
        await asyncio.to_thread(crash, self._stage.servers.valkey)

    async def _leader(self) -> ServiceProcess | None:
        name = await lease_holder(self._redis, POSITIONS)
        return next((each for each in self._pollers.processes if each.name == name), None)

    async def _leads_another(self, process: ServiceProcess) -> bool:
        return await self._leader() not in {None, process}

    async def _go_on(self) -> None:
        """Wait for three positions: the first may come from a call that was made before."""
        length = await self._redis.xlen(EVENTS_ISS.key)

        async def enough() -> bool:
            return int(await self._redis.xlen(EVENTS_ISS.key)) >= length + 3

        await wait_until(enough, _GOES_ON_WITHIN_S, "three more positions are published")
