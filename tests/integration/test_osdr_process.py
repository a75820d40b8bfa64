"""The process itself: killed in the middle of a crawl, and measured over a large one."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.ingest_osdr.providers.osdr import CONCURRENCY
from tests.integration.osdr import World, osdr_world
from tests.servers import CHECKOUT
from tests.waiting import wait_until

# What the issue allows for a first sync of 1,000 studies.
MEMORY_MB = 100
# As long as the longest text that is kept.
LARGE_BODY = 20_000


@asynccontextmanager
async def process(world: World) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `python -m services.ingest_osdr` without pauses, until the body ends it or is over."""
    environment = {
        "CASSIOPEIA_REDIS_URL": world.valkey_url,
        "CASSIOPEIA_OSDR_URL": world.osdr.url,
        "CASSIOPEIA_OSDR_SEARCH_URL": world.search.url,
        "CASSIOPEIA_OSDR_PAUSE_SECONDS": "0",
        "CASSIOPEIA_LOG_LEVEL": "warning",
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.ingest_osdr", cwd=CHECKOUT, env=os.environ | environment
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


def peak_mb(pid: int) -> float:
    """Return the largest memory that a process has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert match
    return int(match.group(1)) / 1_000


async def test_a_killed_crawl_is_finished_by_the_next_process(valkey_url: str) -> None:
    """Every study is published; what was under way is asked for again, and nothing else."""
    async with osdr_world(valkey_url, 120) as world:

        async def published(count: int) -> bool:
            return len(await world.published()) >= count

        async with process(world) as first:
            await wait_until(lambda: published(40), 30, "a third of the crawl")
            first.kill()
            await first.wait()
        asked = len(world.osdr.log.calls)
        assert asked < 120
        async with process(world) as second:
            await wait_until(lambda: published(120), 30, "the rest")
            await world.wait_for_crawl()
            second.send_signal(signal.SIGTERM)
            assert await second.wait() == 0
        events = await world.published()
        assert {event.data.accession for event in events} == {*world.studies.accessions}
        repeated = [count for count in world.osdr.log.per_path().values() if count > 1]
        assert len(repeated) <= 2 * CONCURRENCY
        assert world.osdr.log.per_path()["/datasets/"] == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
async def test_a_thousand_studies_fit_in_memory_and_are_asked_for_once_more(
    valkey_url: str,
) -> None:
    """The first sync holds under 100 MB; the second makes a conditional request each, no event."""
    async with osdr_world(valkey_url, 1_000) as world:
        world.studies.padding = LARGE_BODY
        async with process(world) as child:

            async def all_published() -> bool:
                return await world.redis.xlen("cassiopeia:events:osdr") >= 1_000

            await wait_until(all_published, 120, "the first sync")
            peak = peak_mb(child.pid)
        print(f"first sync of 1,000 studies: peak {peak:.1f} MB")  # noqa: T201 - a measured figure
        assert peak < MEMORY_MB
        calls = len(world.osdr.log.calls)
        # What a killed process left of its crawl is the empty end of the queue.
        async with world.service(osdr_timeout_seconds=10):
            await world.wait_for_crawl()
        assert await world.crawl(osdr_timeout_seconds=10) == []
        assert len(world.osdr.log.calls) - calls == 1_001
        assert world.osdr.conditional == world.osdr.not_modified == 1_000
