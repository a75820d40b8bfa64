"""`gateway_latest_ratio`, `gateway_latest_p99_ratio`, `gateway_history_ratio`.

The gateway runs as in production, with logs, metrics and limits, and is compared with a bare
aiohttp handler that returns the same bytes. Both use uvloop, and wrk loads them in turns. The rate
limits are on, but too high to be reached.
"""

import asyncio
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from bench import wrk
from bench.figure import Figure
from bench.progress import say
from deploy.embedded.servers import free_ports
from libs.common.database import create_pool
from libs.common.events import IssPositionEvent
from services.persistence.repository import Repository, prepare_connection
from tests.chaos.positions import position
from tests.processes import ServiceProcess
from tests.servers import Servers, running_servers
from tests.waiting import wait_until

ROUNDS = 5
POSITIONS = 2_000
_NAMES = {
    "/api/v1/iss/position": "gateway_latest_ratio",
    "/api/v1/iss/positions?limit=100": "gateway_history_ratio",
}
_GOALS = {"gateway_latest_ratio": ">= 0.7", "gateway_history_ratio": ">= 0.5"}


async def measure(folder: Path) -> list[Figure]:
    """Measure all three; without wrk, none is measured."""
    if not wrk.is_installed():
        say("wrk is not installed: apt-get install wrk")
        return [
            Figure(name, None, "1/s", None, None, goal)
            for name, goal in (*_GOALS.items(), ("gateway_latest_p99_ratio", "<= 3"))
        ]
    with running_servers(durable=True) as servers:
        name = servers.create_database()
        await _fill(servers.database_url(name))
        async with running_gateway_process(servers, name, folder) as (url, _):
            figures = []
            for path, figure in _NAMES.items():
                figures += await _compare(url + path, figure, folder)
    return figures


async def _fill(database_url: str) -> None:
    start = datetime.now(UTC) - timedelta(seconds=POSITIONS)
    events: list[IssPositionEvent] = [
        position(start + timedelta(seconds=index)) for index in range(POSITIONS)
    ]
    pool = create_pool(database_url, name="bench", size=1, configure=prepare_connection)
    await pool.open()
    await Repository(pool).store(events)
    await pool.close()


@asynccontextmanager
async def running_gateway_process(
    servers: Servers, database: str, folder: Path
) -> AsyncIterator[tuple[str, int]]:
    """Run the gateway as in production; yield its address and its process id."""
    port = free_ports(1)[0]
    process = ServiceProcess(
        "gateway",
        environment={
            "CASSIOPEIA_DATABASE_URL": servers.reader_database_url(database),
            "CASSIOPEIA_REDIS_URL": servers.valkey_url,
            "CASSIOPEIA_PORT": str(port),
            "CASSIOPEIA_LIMIT_PER_MINUTE": "100000000",
            "CASSIOPEIA_LIMIT_BURST": "1000000",
        },
        log=folder / "gateway.log",
    )
    await process.start_ready()
    try:
        assert process.pid is not None  # noqa: S101 - it is ready
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        await process.stop()


@asynccontextmanager
async def _bare(file: Path) -> AsyncIterator[str]:
    port = free_ports(1)[0]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bare", str(port), str(file)
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        async with aiohttp.ClientSession() as http:
            await wait_until(lambda: _answers(http, url), 10, "the bare handler answers")
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as response:
            return response.ok
    except aiohttp.ClientError:
        return False


async def _compare(url: str, name: str, folder: Path) -> list[Figure]:
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        response.raise_for_status()
        file = folder / "body"
        file.write_bytes(await response.read())
    say(f"wrk {url}")
    ours, theirs = [], []
    async with _bare(file) as bare:
        for _ in range(ROUNDS):
            # In turns, so that other work of the machine affects both.
            theirs.append(await wrk.load(bare))
            ours.append(await wrk.load(url))
    value = statistics.median(load.per_second for load in ours)
    baseline = statistics.median(load.per_second for load in theirs)
    figures = [Figure(name, value, "1/s", baseline, value / baseline, _GOALS[name])]
    if name == "gateway_latest_ratio":
        p99 = statistics.median(load.p99_ms for load in ours)
        bare_p99 = statistics.median(load.p99_ms for load in theirs)
        figures.append(
            Figure("gateway_latest_p99_ratio", p99, "ms", bare_p99, p99 / bare_p99, "<= 3")
        )
    return figures
