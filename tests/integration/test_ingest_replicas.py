"""Three real processes of ingest_iss are killed and restarted: the upstreams notice nothing."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from libs.common.broker import text
from libs.common.events import Origin
from services.ingest_iss.bootstrap import POSITIONS
from tests.integration.ingesting import published_elements, published_positions
from tests.processes import ServiceProcess
from tests.upstreams.celestrak import Celestrak
from tests.upstreams.faults import Fault
from tests.upstreams.server import running
from tests.upstreams.wheretheiss import WhereTheIss
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

REPLICAS = 3
# A killed leader's lease lasts 6 s, and the others look for it every 2 s.
TAKEOVER_S = 20


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[WhereTheIss]:
    """Give a healthy wheretheiss.at."""
    async with running(WhereTheIss()) as healthy:
        yield healthy


@pytest_asyncio.fixture
async def celestrak() -> AsyncIterator[Celestrak]:
    """Give a healthy Celestrak."""
    async with running(Celestrak()) as healthy:
        yield healthy


@pytest_asyncio.fixture
async def replicas(
    valkey_url: str, simulator: WhereTheIss, celestrak: Celestrak, tmp_path: Path
) -> AsyncIterator[list[ServiceProcess]]:
    """Give three running processes."""
    processes = [
        ServiceProcess(
            "ingest_iss",
            environment={
                "CASSIOPEIA_REDIS_URL": valkey_url,
                "CASSIOPEIA_WHERETHEISS_URL": simulator.url,
                "CASSIOPEIA_CELESTRAK_URL": celestrak.url,
                "CASSIOPEIA_ISS_POLL_SECONDS": "1",
            },
            log=tmp_path / f"ingest_iss-{replica}.log",
            replica=replica,
        )
        for replica in range(REPLICAS)
    ]
    try:
        await asyncio.gather(*(process.start_ready() for process in processes))
        yield processes
    finally:
        await asyncio.gather(*(process.kill() for process in processes))


async def leader(client: Redis) -> int | None:
    """Return which replica polls the positions; None while nobody does."""
    owner = await client.get(f"cassiopeia:source:{{{POSITIONS}}}:lease")
    return int(text(owner).partition(":")[0].removeprefix("ingest_iss-")) if owner else None


async def test_restarts_cost_the_upstreams_nothing(
    replicas: list[ServiceProcess],
    broker_client: Redis,
    simulator: WhereTheIss,
    celestrak: Celestrak,
) -> None:
    """Over five ends of the leader, calls stay within the limits, one at a time, and go on."""
    await simulator.wait_for_calls(2)
    for ending in (
        signal.SIGKILL,
        signal.SIGTERM,
        signal.SIGKILL,
        signal.SIGTERM,
        signal.SIGKILL,
    ):

        async def led() -> bool:
            return await leader(broker_client) is not None

        await wait_until(led, TAKEOVER_S, "a leader")
        number = await leader(broker_client)
        assert number is not None
        victim = replicas[number]
        if ending is signal.SIGKILL:
            # In the middle of a call.
            simulator.fault = Fault.HANG
            await wait_until(lambda: simulator.log.in_flight == 1, 5, "a call in flight")
            await victim.kill()
            assert await victim.wait() == -signal.SIGKILL
            simulator.fault = None
        else:
            assert await victim.stop() == 0
        before = simulator.calls
        await victim.start()
        await simulator.wait_for_calls(before + 2, timeout_s=TAKEOVER_S)

    assert (simulator.log.violations, simulator.log.max_in_flight) == (0, 1)
    assert (celestrak.calls, len(celestrak.downloads)) == (1, 1)
    assert len(await published_elements(broker_client)) == 1
    positions = await published_positions(broker_client, Origin.LIVE)
    assert len({event.id for event in positions}) == len(positions)
    assert len(positions) <= simulator.calls
    # A process that has just been started may not listen to signals yet.
    await asyncio.gather(*(process.wait_until_ready() for process in replicas))
    codes = await asyncio.gather(*(process.stop() for process in replicas))
    assert codes == [0] * REPLICAS
