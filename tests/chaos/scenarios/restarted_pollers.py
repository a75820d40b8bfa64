"""Three replicas of every ingest service, restarted at random while the upstreams count."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql
from redis.asyncio import Redis

from libs.common.broker import BODY_FIELD, connect
from libs.common.clock import SystemClock
from libs.common.events import Event, decode
from libs.common.polling.refreshing import request_refresh
from libs.common.topology import EVENT_STREAMS, EVENTS_DEAD
from services.persistence.tables import TABLE_OF, TABLES, Table
from tests.chaos.counting_upstreams import CountingUpstreams, counting_upstreams
from tests.chaos.load import publishing
from tests.chaos.scenario import Report, Row, Stage
from tests.processes import Replicas, ServiceProcess
from tests.upstreams.faults import Fault
from tests.waiting import wait_until

REPLICAS = 3
SOURCES_OF = {
    "ingest_iss": ("iss", "iss_elements"),
    "ingest_osdr": ("osdr",),
    "ingest_jwst": ("jwst",),
    "ingest_astro": ("astro",),
    "ingest_space": ("apod", "neo", "flares", "cmes", "launches"),
}
# The shortest periods that the settings allow, and for OSDR a crawl that makes about 4 calls a
# second, so that ten minutes stay below its 3,600 an hour and do not end in a pause.
_SETTINGS = {
    "CASSIOPEIA_ISS_POLL_SECONDS": "1",
    "CASSIOPEIA_ISS_ELEMENTS_SECONDS": "7200",
    "CASSIOPEIA_OSDR_POLL_SECONDS": "1",
    "CASSIOPEIA_OSDR_PAUSE_SECONDS": "0.2",
    "CASSIOPEIA_JWST_POLL_SECONDS": "60",
    "CASSIOPEIA_ASTRO_POLL_SECONDS": "60",
    "CASSIOPEIA_APOD_POLL_SECONDS": "60",
    "CASSIOPEIA_NEO_POLL_SECONDS": "60",
    "CASSIOPEIA_DONKI_POLL_SECONDS": "60",
    "CASSIOPEIA_LAUNCHES_POLL_SECONDS": "60",
}
# Fifteen processes that start together share what cores there are.
_STARTED_WITHIN_S = 120.0
_SETTLED_WITHIN_S = 120.0
# Below the 3 s that the positions' upstream may take: a call that hangs is answered in the end.
_LONGEST_PAUSE_S = 2.0
_LINES = 10
# Characters of a reason that tell one kind of dead letter from another.
_REASON = 30


class RestartedPollers:
    """kill -9 and SIGTERM of pollers: one at a time calls, within the limits, nothing doubled."""

    name = "restarted pollers"

    async def run(self, stage: Stage) -> Report:
        """Restart pollers for the given time, end them, and count on both sides."""
        url = stage.environment["CASSIOPEIA_REDIS_URL"]
        async with (
            connect(url, "chaos") as redis,
            counting_upstreams(REPLICAS) as upstreams,
            Replicas("persistence", 1, environment=stage.environment, logs=stage.logs) as stores,
        ):
            for process in stores.processes:
                await process.wait_until_ready()
            pollers = _Pollers(stage, upstreams)
            await pollers.rage()
            ended = time.monotonic()
            await wait_until(lambda: _settled(redis), _SETTLED_WITHIN_S, "all is stored")
            settled_s = time.monotonic() - ended
            report = await _audit(redis, stage.database_url)
        report.rows[0].recovery_s = settled_s
        report.check("every poller ended as asked: others", pollers.surprises, [])
        report.check("persistence ended only as asked: others", stores.surprises, [])
        upstreams.judge(report)
        report.remarks.append(
            f"{pollers.killed} killed, {pollers.in_a_call} of them in the middle of a call;"
            f" {pollers.stopped} stopped"
        )
        return report


class _Pollers:
    """All replicas of all ingest services."""

    def __init__(self, stage: Stage, upstreams: CountingUpstreams) -> None:
        self._stage = stage
        self._upstreams = upstreams
        self._replicas = {
            service: [self._replica(service, replica) for replica in range(REPLICAS)]
            for service in SOURCES_OF
        }
        self.surprises: list[str] = []
        self.killed = self.stopped = self.in_a_call = 0

    async def rage(self) -> None:
        """Start all, strike until the time is over, stop all."""
        processes = [process for replicas in self._replicas.values() for process in replicas]
        try:
            for process in processes:
                await process.start()
            for process in processes:
                await process.wait_until_ready(_STARTED_WITHIN_S)
            await self._strike_until_over()
            for process in processes:
                await process.wait_until_ready(_STARTED_WITHIN_S)
            codes = await asyncio.gather(*(process.stop() for process in processes))
            for process, code in zip(processes, codes, strict=True):
                self._expect(process, "the last SIGTERM", code, 0)
        finally:
            await asyncio.gather(*(process.kill() for process in processes))

    async def _strike_until_over(self) -> None:
        seconds = self._stage.poll_seconds
        self._tell("at", "kill -9", "in a call", "SIGTERM", "calls", "violations")
        lines = 0
        began = time.monotonic()
        async with publishing(self._stage.environment["CASSIOPEIA_REDIS_URL"]) as publisher:
            while (spent_s := time.monotonic() - began) < seconds:
                if spent_s >= seconds / 2:
                    self._upstreams.recover()
                self._upstreams.move_on(self._stage.choose)
                service = self._stage.choose.choice(list(SOURCES_OF))
                source = self._stage.choose.choice(SOURCES_OF[service])
                await request_refresh(publisher, source, SystemClock())
                await self._strike(self._replicas[service], source)
                if time.monotonic() - began >= seconds * (lines + 1) / _LINES:
                    lines += 1
                    self._tell_state(time.monotonic() - began)

    async def _strike(self, replicas: Sequence[ServiceProcess], source: str) -> None:
        choose = self._stage.choose
        victim, pause_s = choose.choice(replicas), choose.uniform(0, _LONGEST_PAUSE_S)
        # One that is still starting has nothing to interrupt, and SIGTERM would just end it.
        await wait_until(victim.is_live, _STARTED_WITHIN_S, f"{victim.name} is live")
        if choose.choice((True, False)):
            with self._upstreams.failing(source, Fault.HANG):
                await asyncio.sleep(pause_s)
                caller = self._upstreams.caller(source)
                if caller is not None:
                    victim = replicas[caller]
                    self.in_a_call += 1
                await victim.kill()
            self.killed += 1
            self._expect(victim, "kill -9", await victim.wait(), -signal.SIGKILL)
        else:
            await asyncio.sleep(pause_s)
            await victim.stop()
            self.stopped += 1
            self._expect(victim, "SIGTERM", await victim.wait(), 0)
        await victim.start()

    def _replica(self, service: str, replica: int) -> ServiceProcess:
        return ServiceProcess(
            service,
            environment={
                **self._stage.environment,
                **_SETTINGS,
                **self._upstreams.environment(replica),
            },
            log=self._stage.logs / f"{service}-{replica}.log",
            replica=replica,
        )

    def _expect(self, process: ServiceProcess, what: str, code: int | None, expected: int) -> None:
        if code != expected:
            self.surprises.append(f"{process.name} ended with {code} after {what}")

    def _tell_state(self, at_s: float) -> None:
        counted = (self._upstreams.calls, self._upstreams.violations)
        counts = (self.killed, self.in_a_call, self.stopped, *counted)
        self._tell(f"{at_s:.1f} s", *(f"{count:,}" for count in counts))

    def _tell(self, at: str, *cells: str) -> None:
        self._stage.say(f"  {at:>8}" + "".join(f"{cell:>12}" for cell in cells))


async def _settled(redis: Redis) -> bool:
    for stream in EVENT_STREAMS:
        last = (await redis.xinfo_stream(stream.key))["last-generated-id"]
        for group in await redis.xinfo_groups(stream.key):
            if group["pending"] or group["last-delivered-id"] != last:
                return False
    return True


async def _audit(redis: Redis, database_url: str) -> Report:
    """Compare what the streams accepted with the rows, table by table."""
    accepted: dict[Table, list[Event]] = {table: [] for table in TABLES}
    for stream in EVENT_STREAMS:
        entries: Any = await redis.xrange(stream.key)
        for _, fields in entries:
            event = decode(fields[BODY_FIELD])
            accepted[TABLE_OF[type(event)]].append(event)
    letters: Any = await redis.xrange(EVENTS_DEAD.key)
    kinds = Counter((fields[b"stream"], fields[b"reason"][:_REASON]) for _, fields in letters)
    total, others = Row("kill -9 and SIGTERM of pollers", dead=len(letters)), 0
    report = Report(rows=[total])
    with psycopg.connect(database_url) as connection:
        for table, events in accepted.items():
            query = sql.SQL("SELECT id FROM {}").format(sql.Identifier(table.name))
            rows = [row[0] for row in connection.execute(query).fetchall()]
            sent = {event.id for event in events}
            total.sent += len(sent)
            total.stored += len(rows)
            total.lost += len(_due(table, events) - set(rows))
            total.doubled += len(rows) - len(set(rows))
            others += len(set(rows) - sent)
            report.remarks.append(
                f"{table.name}: {len(events):,} entries, {len(sent):,} events, {len(rows):,} rows"
            )
    report.check("every accepted event has a row: missing", total.lost, 0)
    report.check("every row is of an accepted event: others", others, 0)
    report.check("no event has two rows: doubled", total.doubled, 0)
    report.check("no event or record became a dead letter", total.dead, 0)
    report.remarks += [f"dead: {kind}, {count} times" for kind, count in kinds.most_common(3)]
    report.check(
        "every table has rows: empty",
        [table.name for table, sent in accepted.items() if not sent],
        [],
    )
    return report


def _due(table: Table, events: Sequence[Event]) -> set[object]:
    """Return the ids that must have a row: of each thing the event that was fetched last."""
    if not table.latest_of:
        return {event.id for event in events}
    names = [column.name for column in table.columns]
    places = [names.index(name) for name in table.latest_of]
    newest: dict[tuple[object, ...], Event] = {}
    for event in events:
        row = table.row(event)
        key = tuple(row[place] for place in places)
        if key not in newest or event.fetchedat > newest[key].fetchedat:
            newest[key] = event
    return {event.id for event in newest.values()}
