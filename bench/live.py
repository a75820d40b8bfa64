"""`sse_1000_delivered_ratio`, `sse_1000_pss_mb`: 1,000 live streams on one gateway process.

The clients are bare sockets of another process, so that they use as little of the gateway's core as
possible; each counts the events that it receives.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from redis.asyncio import Redis

from bench.figure import Figure
from bench.gateway import running_gateway_process
from bench.progress import say
from libs.common.topology import EVENTS_ISS
from tests.chaos.positions import position
from tests.servers import running_servers

CLIENTS = 1_000
RATE = 10
SECONDS = 20
# Time for the events that are still on their way when the last one is published.
_LAST_WORDS_S = 5.0


async def measure(folder: Path) -> list[Figure]:
    """Measure both under the same load."""
    say(f"{CLIENTS} live streams, {RATE} events a second for {SECONDS} s")
    with running_servers(durable=True) as servers:
        name = servers.create_database()
        async with running_gateway_process(servers, name, folder) as (url, pid):
            listeners = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bench.listeners",
                url,
                str(CLIENTS),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            assert listeners.stdin is not None  # noqa: S101 - it is a pipe
            assert listeners.stdout is not None  # noqa: S101 - it is a pipe
            await listeners.stdout.readline()
            gateway = psutil.Process(pid)
            began, busy_before = time.perf_counter(), sum(gateway.cpu_times()[:2])
            await _publish(servers.valkey_url)
            pss = gateway.memory_full_info().pss
            busy = sum(gateway.cpu_times()[:2]) - busy_before
            say(f"{busy / (time.perf_counter() - began):.0%} of one core")
            await asyncio.sleep(_LAST_WORDS_S)
            listeners.stdin.close()
            delivered = int(await listeners.stdout.readline())
            await listeners.wait()
    expected = CLIENTS * RATE * SECONDS
    return [
        Figure(
            "sse_1000_delivered_ratio",
            delivered,
            "events",
            expected,
            delivered / expected,
            ">= 1",
        ),
        Figure("sse_1000_pss_mb", pss / 1e6, "MB", None, None, "<= 150"),
    ]


async def _publish(valkey_url: str) -> None:
    redis = Redis.from_url(valkey_url)
    start = datetime.now(UTC) - timedelta(hours=1)
    began = time.perf_counter()
    for index in range(RATE * SECONDS):
        await asyncio.sleep(max(0.0, began + index / RATE - time.perf_counter()))
        event = position(start + timedelta(seconds=index))
        await redis.xadd(EVENTS_ISS.key, {"__data__": event.encode()})
    await redis.aclose()
