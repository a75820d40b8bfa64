"""The fence: who has lost the lease without knowing it overwrites nothing of his successor."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.common import metrics
from libs.common.breaker import BackOff
from libs.common.broker import Publisher
from libs.common.clock import SystemClock
from libs.common.errors import LeaseLostError
from libs.common.events import Origin
from libs.common.polling.fence import Fence
from libs.common.polling.lease import Lease
from libs.common.polling.poller import Poller, PollOptions
from libs.common.polling.providers import Reading
from libs.common.polling.published import LastAnswer, Published
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceRegistry, SourceStatus
from libs.common.secrets import Redactor
from libs.common.topology import EVENTS_ISS
from services.ingest_jwst.crawl import Crawl
from services.ingest_jwst.progress import Progress
from services.ingest_osdr.crawl import Crawl as Studies
from services.ingest_osdr.crawl import Progress as StudiesProgress
from services.ingest_osdr.crawl import Queued, Seen
from tests.clocks import JumpingClock
from tests.factories import elements_event
from tests.waiting import wait_until

NAME = "iss"
LEASE = f"cassiopeia:source:{{{NAME}}}:lease"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
STATUS = SourceStatus(name=NAME, state=SourceState.OK, since=NOW, last_attempt=NOW, next_poll=NOW)
CRAWL = StudiesProgress(began=NOW, studies=1, search=None)
WRITES: dict[str, Callable[[Fence], Awaitable[None]]] = {
    "status": lambda fence: SourceRegistry(fence.redis).save(STATUS, fence),
    "marks": lambda fence: Published(fence.redis, NAME).save([elements_event(0)], fence),
    "last": lambda fence: LastAnswer(fence.redis, NAME).save([elements_event(0)], fence),
    "last forgotten": lambda fence: LastAnswer(fence.redis, NAME).forget(
        [elements_event(0)], fence
    ),
    "crawl of images": lambda fence: Progress(fence, "mast", Crawl()).save(Crawl()),
    "crawl begins": lambda fence: Studies(fence).begin(["OSD-1"], NOW),
    "crawl searched": lambda fence: Studies(fence).searched(CRAWL, {"OSD-1": {"a": 1}}, None),
    "crawl without search": lambda fence: Studies(fence).search_failed(CRAWL, "away"),
    "crawl goes on": lambda fence: Studies(fence).done(CRAWL, {Queued("OSD-1"): Seen()}, []),
    "crawl ends": lambda fence: Studies(fence).finish(),
}


def lease(client: Redis) -> tuple[Lease, Fence]:
    """Return a contender, and what it writes behind."""
    fence = Fence(client, NAME)
    return Lease(client, owner="b", life_s=60, clock=SystemClock(), fence=fence), fence


async def take_over(client: Redis) -> None:
    """Let another replica hold the lease, as when its life had ended."""
    await client.delete(LEASE)
    successor, _ = lease(client)
    assert await successor.acquire()


async def keys(client: Redis) -> set[bytes]:
    """Return what is kept of the source apart from the lease."""
    kept = {key async for key in client.scan_iter(f"cassiopeia:source:{{{NAME}}}:*")}
    return kept - {LEASE.encode(), Fence(client, NAME).key.encode()}


@pytest.mark.parametrize("write", WRITES)
async def test_only_the_newest_holder_writes(broker_client: Redis, write: str) -> None:
    """What the holder before it writes is refused whole, with the error of a lost lease."""
    holder, fence = lease(broker_client)
    assert await holder.acquire()
    await WRITES[write](fence)
    await broker_client.delete(*await keys(broker_client), "cassiopeia:none")
    await take_over(broker_client)
    with pytest.raises(LeaseLostError, match="another replica"):
        await WRITES[write](fence)
    assert not await keys(broker_client)


async def test_many_commands_are_written_in_order(broker_client: Redis) -> None:
    """More than one step holds."""
    fence = Fence(broker_client, NAME)
    key = f"cassiopeia:source:{{{NAME}}}:list"
    await fence.write([("RPUSH", key, number, "x") for number in range(5_000)])
    kept: Any = await broker_client.lrange(key, 0, -1)
    assert kept[::2] == [str(number).encode() for number in range(5_000)]


class Interrupted:
    """A provider whose process is struck as soon as it has answered."""

    name = "interrupted"
    origin = Origin.LIVE
    budget = None

    def __init__(self, strike: Callable[[], Awaitable[None]]) -> None:
        self._strike = strike

    async def poll(self) -> Reading:
        """Return one event."""
        await self._strike()
        return Reading([elements_event(0)])


async def poll_until_lost(
    client: Redis,
    publisher: Publisher,
    clock: SystemClock,
    strike: Callable[[], Awaitable[None]],
) -> None:
    """Let a poller lead until it has lost the lease."""
    began, stop = asyncio.Event(), asyncio.Event()

    async def struck() -> None:
        began.set()
        await strike()

    options = PollOptions(
        source=NAME,
        every=timedelta(hours=1),
        jitter=0,
        min_gap=timedelta(0),
        back_off=BackOff(1, 1, 1),
        lease_life_s=60,
        only_changes=True,
        keep_last=True,
    )
    poller = Poller(
        options,
        [Interrupted(struck)],
        publisher=publisher,
        owner="a",
        clock=clock,
        fence=Fence(client, NAME),
        redact=Redactor(),
    )

    def over() -> bool:
        leads = metrics.REGISTRY.get_sample_value("cassiopeia_source_leader", {"source": NAME})
        return began.is_set() and leads == 0

    running = asyncio.create_task(poller.run(stop))
    try:
        await wait_until(over, 10, "the end of the lease")
    finally:
        stop.set()
        await running


async def test_a_leader_that_stood_still_publishes_nothing(
    broker_client: Redis, publisher: Publisher
) -> None:
    """The time that passes while it looks for what changed counts: nothing is sent after it."""
    clock = JumpingClock()

    async def stand_still() -> None:
        # In the next wait, which is that for the broker.
        asyncio.get_running_loop().call_soon(clock.jump, 61)

    await poll_until_lost(broker_client, publisher, clock, stand_still)
    assert await broker_client.xlen(EVENTS_ISS.key) == 0
    assert not await keys(broker_client)


async def test_a_leader_that_does_not_know_writes_nothing(
    broker_client: Redis, publisher: Publisher
) -> None:
    """Where its clock did not show it, the number of the lease does."""
    await poll_until_lost(broker_client, publisher, SystemClock(), lambda: take_over(broker_client))
    assert not await keys(broker_client)
