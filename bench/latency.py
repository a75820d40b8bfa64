"""`event_to_row_p99_ms` and `event_to_gateway_p99_ms`: how long an event takes, at 200 a second.

The time runs from the moment in which the broker has answered XADD. The row counts as committed
when another connection sees it: the bench asks for the largest time in the table, and for
the gateway's newest position, again and again, and takes the first answer that is not older. What
it adds by asking is part of the figures.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
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
from tests.chaos.processes import ServiceProcess
from tests.servers import Servers, running_servers

RATE = 200
SECONDS = 20
_GAP = timedelta(seconds=1 / RATE)


async def measure(folder: Path) -> list[Figure]:
    """Measure both on one load."""
    say(f"publishing {RATE} events a second for {SECONDS} s")
    with running_servers(durable=True) as servers:
        name = servers.create_database()
        port = free_ports(1)[0]
        processes = [
            _process("persistence", servers.database_url(name), servers, folder),
            _process("gateway", servers.reader_database_url(name), servers, folder, port),
        ]
        for process in processes:
            await process.start_ready()
        try:
            to_row, to_gateway = await _under_load(servers, name, port)
        finally:
            for process in processes:
                await process.stop()
    return [
        Figure("event_to_row_p99_ms", percentile(to_row, 0.99), "ms", None, None, "<= 250"),
        Figure("event_to_gateway_p99_ms", percentile(to_gateway, 0.99), "ms", None, None, "<= 100"),
    ]


def _process(
    service: str, database: str, servers: Servers, folder: Path, port: int = 0
) -> ServiceProcess:
    environment = {
        "CASSIOPEIA_DATABASE_URL": database,
        "CASSIOPEIA_REDIS_URL": servers.valkey_url,
        # A line for each of thousands of requests is not what is measured.
        "CASSIOPEIA_LOG_LEVEL": "warning",
        "CASSIOPEIA_PORT": str(port),
    }
    return ServiceProcess(service, environment=environment, log=folder / f"{service}.log")


class _Arrivals:
    """When each event was accepted, and how long until it was seen."""

    def __init__(self) -> None:
        self._accepted: list[tuple[datetime, float]] = []
        self._seen = 0
        self.delays_ms: list[float] = []

    def accepted(self, event_time: datetime) -> None:
        """Note that the broker has answered."""
        self._accepted.append((event_time, time.perf_counter()))

    def seen(self, newest: datetime | None) -> None:
        """Note that an answer shows everything up to a time."""
        now = time.perf_counter()
        while newest and self._seen < len(self._accepted):
            event_time, accepted = self._accepted[self._seen]
            if event_time > newest:
                return
            self.delays_ms.append((now - accepted) * 1_000)
            self._seen += 1


async def _under_load(
    servers: Servers, database: str, port: int
) -> tuple[list[float], list[float]]:
    rows, gateway = _Arrivals(), _Arrivals()
    # In the past, so that no time lies ahead of the gateway's clock.
    start = datetime.now(UTC) - timedelta(hours=1)
    count = RATE * SECONDS
    redis = Redis.from_url(servers.valkey_url)
    url = servers.database_url(database)
    async with (
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
        aiohttp.ClientSession() as http,
    ):

        async def newest_row() -> datetime | None:
            answer = await connection.execute("SELECT max(time) FROM iss_positions")
            row = await answer.fetchone()
            return row[0] if row else None

        async def newest_position() -> datetime | None:
            address = f"http://127.0.0.1:{port}/api/v1/iss/position"
            async with http.get(address) as response:
                if response.status != 200:  # noqa: PLR2004 - before the first event
                    return None
                return datetime.fromisoformat((await response.json())["time"])

        async def publish() -> None:
            began = time.perf_counter()
            for index in range(count):
                await asyncio.sleep(began + index / RATE - time.perf_counter())
                event = position(start + index * _GAP)
                await redis.xadd(EVENTS_ISS.key, {"__data__": event.encode()})
                rows.accepted(event.time)
                gateway.accepted(event.time)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(publish())
            tasks.create_task(_watch(newest_row, rows, count))
            tasks.create_task(_watch(newest_position, gateway, count))
    await redis.aclose()
    return rows.delays_ms, gateway.delays_ms


async def _watch(
    newest: Callable[[], Awaitable[datetime | None]], arrivals: _Arrivals, count: int
) -> None:
    async with asyncio.timeout(SECONDS + 30):
        while len(arrivals.delays_ms) < count:
            arrivals.seen(await newest())
            await asyncio.sleep(0.002)
