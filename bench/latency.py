"""`quiet_event_to_row_ms`, `event_to_row_p99_ms`, `event_to_gateway_p99_ms`.

They are measured at 2, 1,000 and 200 events a second.

Time is measured from the moment when the broker has answered XADD. An event has arrived when
another connection sees it: the bench asks again and again for the largest time in the table, or for
the gateway's newest position, and takes the first answer that is not older than the event. The
delay that this polling adds is part of the figures. Events are published at most 100 times a
second, as many at once as the rate needs; every event counts.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import psycopg
from redis.asyncio import Redis

from bench.figure import Figure, percentile
from bench.progress import say
from deploy.embedded.servers import free_ports
from libs.common.topology import EVENTS_ISS
from tests.chaos.positions import position
from tests.processes import ServiceProcess
from tests.servers import Servers, running_servers

QUIET_RATE = 2
ROW_RATE = 1_000
GATEWAY_RATE = 200
SECONDS = 20
QUIET_SECONDS = 15
_MOST_TICKS = 100  # a second

_Newest = Callable[[], Awaitable[datetime | None]]


async def measure(folder: Path) -> list[Figure]:
    """Measure the three figures one after the other."""
    with running_servers(durable=True) as servers:
        name = servers.create_database()
        url = servers.database_url(name)
        async with _running("persistence", url, servers, folder):
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:

                async def newest_row() -> datetime | None:
                    answer = await connection.execute("SELECT max(time) FROM iss_positions")
                    row = await answer.fetchone()
                    return row[0] if row else None

                quiet = await _under_load(servers, QUIET_RATE, newest_row, QUIET_SECONDS)
                to_row = await _under_load(servers, ROW_RATE, newest_row)
            port = free_ports(1)[0]
            reader_url = servers.reader_database_url(name)
            async with (
                _running("gateway", reader_url, servers, folder, port),
                aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
            ):

                async def newest_position() -> datetime | None:
                    async with http.get("/api/v1/iss/position") as response:
                        if response.status != 200:  # noqa: PLR2004 - before the first event
                            return None
                        return datetime.fromisoformat((await response.json())["time"])

                to_gateway = await _under_load(servers, GATEWAY_RATE, newest_position)
    return [
        Figure("quiet_event_to_row_ms", percentile(quiet, 0.99), "ms", None, None, "<= 100"),
        Figure("event_to_row_p99_ms", percentile(to_row, 0.99), "ms", None, None, "<= 250"),
        Figure("event_to_gateway_p99_ms", percentile(to_gateway, 0.99), "ms", None, None, "<= 100"),
    ]


@asynccontextmanager
async def _running(
    service: str, database: str, servers: Servers, folder: Path, port: int = 0
) -> AsyncIterator[None]:
    environment = {
        "CASSIOPEIA_DATABASE_URL": database,
        "CASSIOPEIA_REDIS_URL": servers.valkey_url,
        # Without a log line for each of thousands of requests, which are not to be measured.
        "CASSIOPEIA_LOG_LEVEL": "warning",
        "CASSIOPEIA_PORT": str(port),
        # The bench asks as often as the gateway answers.
        "CASSIOPEIA_LIMIT_PER_MINUTE": "100000000",
        "CASSIOPEIA_LIMIT_BURST": "1000000",
    }
    process = ServiceProcess(service, environment=environment, log=folder / f"{service}.log")
    await process.start_ready()
    try:
        yield
    finally:
        await process.stop()


class _Arrivals:
    """When each event was accepted, and how long it took until it was seen."""

    def __init__(self) -> None:
        self._accepted: list[tuple[datetime, float]] = []
        self._seen = 0
        self.delays_ms: list[float] = []

    def accepted(self, event_time: datetime) -> None:
        """Note that the broker has accepted an event just now."""
        self._accepted.append((event_time, time.perf_counter()))

    def seen(self, newest: datetime | None) -> None:
        """Note that everything up to a time can be seen now."""
        now = time.perf_counter()
        while newest and self._seen < len(self._accepted):
            event_time, accepted = self._accepted[self._seen]
            if event_time > newest:
                return
            self.delays_ms.append((now - accepted) * 1_000)
            self._seen += 1


async def _under_load(
    servers: Servers, rate: int, newest: _Newest, seconds: int = SECONDS
) -> list[float]:
    """Return the delay of every event in milliseconds."""
    say(f"publishing {rate:,} events a second for {seconds} s")
    arrivals = _Arrivals()
    # In the past, so that no event is ahead of the gateway's clock, but after the previous load's.
    start = datetime.now(UTC) - timedelta(hours=1)
    gap = timedelta(seconds=1 / rate)
    ticks = min(rate, _MOST_TICKS)
    at_once = rate // ticks

    async def publish() -> None:
        began = time.perf_counter()
        for tick in range(seconds * ticks):
            await asyncio.sleep(began + tick / ticks - time.perf_counter())
            pipeline = redis.pipeline(transaction=False)
            events = [position(start + (tick * at_once + n) * gap) for n in range(at_once)]
            for event in events:
                pipeline.xadd(EVENTS_ISS.key, {"__data__": event.encode()})
            await pipeline.execute()
            for event in events:
                arrivals.accepted(event.time)

    async def watch() -> None:
        async with asyncio.timeout(seconds + 30):
            while len(arrivals.delays_ms) < seconds * rate:
                arrivals.seen(await newest())
                await asyncio.sleep(0.002)

    async with Redis.from_url(servers.valkey_url) as redis, asyncio.TaskGroup() as tasks:
        tasks.create_task(publish())
        tasks.create_task(watch())
    return arrivals.delays_ms
