"""One ingest_iss with its two sources: refreshes, restarts, elements, a broker that goes away."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import structlog
from redis.asyncio import Redis

from libs.common.broker import Publisher, connect, text
from libs.common.clock import SystemClock
from libs.common.events import Origin
from libs.common.polling.refreshing import RefreshCommand, request_refresh
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceStatus
from libs.common.topology import COMMANDS_REFRESH
from services.ingest_iss.bootstrap import ELEMENTS, POSITIONS
from tests.clocks import JumpingClock, WrongClock
from tests.factories import START
from tests.integration.consumers import letters
from tests.integration.ingesting import (
    elements_status,
    ingesting,
    position_status,
    published_elements,
    published_positions,
)
from tests.servers import Servers, running_servers
from tests.upstreams.celestrak import Celestrak
from tests.upstreams.faults import Fault
from tests.upstreams.server import running
from tests.upstreams.wheretheiss import WhereTheIss
from tests.waiting import wait_until

NEVER = 3_600
"""A period that is not over while a test lasts."""


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


async def polled(client: Redis) -> bool:
    """Tell whether a poll of the positions is over."""
    return await position_status(client) is not None


async def leads(client: Redis, replica: str = "") -> bool:
    """Tell whether a replica, or anybody, holds the lease of the positions."""
    owner = await client.get(f"cassiopeia:source:{{{POSITIONS}}}:lease")
    return owner is not None and text(owner).startswith(f"ingest_iss-{replica}")


async def test_a_refresh_makes_a_poll_come_early(
    valkey_url: str, broker_client: Redis, publisher: Publisher, simulator: WhereTheIss
) -> None:
    """A command is obeyed long before the period is over."""
    async with ingesting(valkey_url, positions=simulator.url, CASSIOPEIA_ISS_POLL_SECONDS=NEVER):
        await wait_until(lambda: polled(broker_client), 10, "the first poll")
        await request_refresh(publisher, POSITIONS, SystemClock())
        await simulator.wait_for_calls(2)


@pytest.mark.parametrize("off", [timedelta(minutes=-10), timedelta(minutes=10)])
async def test_a_refresh_is_obeyed_whatever_the_clocks_say(
    valkey_url: str,
    broker_client: Redis,
    publisher: Publisher,
    simulator: WhereTheIss,
    off: timedelta,
) -> None:
    """The gateway's clock and ours may differ; the command is as old as the broker says."""
    async with ingesting(valkey_url, positions=simulator.url, CASSIOPEIA_ISS_POLL_SECONDS=NEVER):
        await wait_until(lambda: polled(broker_client), 10, "the first poll")
        await request_refresh(publisher, POSITIONS, WrongClock(off))
        await simulator.wait_for_calls(2)


async def test_many_refreshes_make_one_poll(
    valkey_url: str, broker_client: Redis, publisher: Publisher, simulator: WhereTheIss
) -> None:
    """A hundred clients that ask at the same moment cost one call."""
    async with ingesting(valkey_url, positions=simulator.url, CASSIOPEIA_ISS_POLL_SECONDS=NEVER):
        await wait_until(lambda: polled(broker_client), 10, "the first poll")
        await asyncio.gather(
            *(request_refresh(publisher, POSITIONS, SystemClock()) for _ in range(100))
        )
        await simulator.wait_for_calls(2)
        with pytest.raises(TimeoutError):
            await simulator.wait_for_calls(3, timeout_s=2.5)
    assert simulator.max_calls_in(0.95) == 1


async def test_refreshes_without_end_keep_the_limit(
    valkey_url: str, publisher: Publisher, simulator: WhereTheIss
) -> None:
    """Who asks again and again gets a poll a second, live, and never a refusal."""
    async with ingesting(valkey_url, positions=simulator.url, CASSIOPEIA_ISS_POLL_SECONDS=NEVER):

        async def asked_often() -> bool:
            await request_refresh(publisher, POSITIONS, SystemClock())
            return simulator.calls >= 4

        with structlog.testing.capture_logs() as log:
            await wait_until(asked_often, 15, "four polls")
    assert [
        line for line in log if line.get("source") == POSITIONS and "source_" in line["event"]
    ] == []
    assert (simulator.log.violations, simulator.log.max_in_flight) == (0, 1)


async def test_commands_that_mean_nothing_are_ignored(
    valkey_url: str, broker_client: Redis, publisher: Publisher, simulator: WhereTheIss
) -> None:
    """Garbage, old wishes and unknown sources do no harm, and the next good command is obeyed."""
    old = RefreshCommand(source=POSITIONS, requested_at=START).model_dump_json().encode()
    unknown = RefreshCommand(source="unheard-of", requested_at=SystemClock().now())
    async with ingesting(
        valkey_url, positions=simulator.url, CASSIOPEIA_ISS_POLL_SECONDS=NEVER
    ) as runtime:
        await wait_until(lambda: polled(broker_client), 10, "the first poll")
        await broker_client.xadd(COMMANDS_REFRESH.key, {"__data__": old}, id="1-1")
        bodies = [b"garbage", b"{}", b"\xff"]
        await publisher.publish_bodies(
            COMMANDS_REFRESH, [*bodies, unknown.model_dump_json().encode()]
        )
        await broker_client.xadd(COMMANDS_REFRESH.key, {"made": "by hand"})
        await request_refresh(publisher, POSITIONS, SystemClock())
        await simulator.wait_for_calls(2)
        assert not runtime.stop.is_set()
    assert simulator.calls == 2


async def test_a_restart_is_no_reason_to_call(
    valkey_url: str, broker_client: Redis, publisher: Publisher, simulator: WhereTheIss
) -> None:
    """The schedule goes on over a restart; who starts again and again does not call each time."""
    for _ in range(3):
        async with ingesting(
            valkey_url, positions=simulator.url, CASSIOPEIA_ISS_POLL_SECONDS=NEVER
        ):
            await wait_until(lambda: leads(broker_client), 10, "the lease")
            await wait_until(lambda: polled(broker_client), 10, "a poll, now or before")
        assert not await leads(broker_client)
    async with ingesting(valkey_url, positions=simulator.url, CASSIOPEIA_ISS_POLL_SECONDS=NEVER):
        await wait_until(lambda: leads(broker_client), 10, "the lease")
        await request_refresh(publisher, POSITIONS, SystemClock())
        await simulator.wait_for_calls(2)
    assert simulator.calls == 2


async def test_a_wish_to_wait_survives_a_restart(
    valkey_url: str, broker_client: Redis, simulator: WhereTheIss
) -> None:
    """After a 429 no new process calls before its time; the trouble is told once over all."""
    simulator.fault = Fault.TOO_MANY_429
    with structlog.testing.capture_logs() as log:
        for count in (2, 4):

            async def stood_in(count: int = count) -> bool:
                return len(await published_positions(broker_client)) >= count

            async with ingesting(valkey_url, positions=simulator.url):
                await wait_until(stood_in, 10, "computed positions")
        simulator.fault = None
        status = await position_status(broker_client)
        assert status is not None
        assert status.state is SourceState.BLOCKED
        assert simulator.calls == 1
        # The 30 s are over.
        await broker_client.delete("cassiopeia:upstream:{wheretheiss}:blocked")

        async def live() -> bool:
            return bool(await published_positions(broker_client, Origin.LIVE))

        async with ingesting(valkey_url, positions=simulator.url):
            await wait_until(live, 10, "a live position")
    lines = [line for line in log if line.get("source") == POSITIONS]
    assert [line["event"] for line in lines if line["log_level"] != "debug"] == [
        "source_degraded",
        "source_recovered",
    ]


async def test_two_replicas_are_one_poller(
    valkey_url: str, broker_client: Redis, simulator: WhereTheIss
) -> None:
    """While one replica polls the other waits, and goes on where the first one stopped."""
    async with ingesting(valkey_url, positions=simulator.url, replica="1"):
        async with ingesting(valkey_url, positions=simulator.url, replica="0"):
            await simulator.wait_for_calls(3)
        before = simulator.calls
        await simulator.wait_for_calls(before + 2)
    assert (simulator.log.violations, simulator.log.max_in_flight) == (0, 1)
    assert simulator.max_calls_in(0.95) == 1
    positions = await published_positions(broker_client)
    assert len({event.id for event in positions}) == len(positions) == simulator.calls


async def test_a_new_leader_has_no_old_wishes(
    valkey_url: str, broker_client: Redis, publisher: Publisher, simulator: WhereTheIss
) -> None:
    """What was asked for while another replica led is not asked for again at the takeover."""
    settings: dict[str, Any] = {
        "positions": simulator.url,
        "CASSIOPEIA_ISS_POLL_SECONDS": NEVER,
    }
    async with ingesting(valkey_url, replica="0", **settings) as first:
        await wait_until(lambda: polled(broker_client), 10, "the first poll")
        async with ingesting(valkey_url, replica="1", **settings):
            await request_refresh(publisher, POSITIONS, SystemClock())
            await simulator.wait_for_calls(2)
            first.stop.set()
            await wait_until(lambda: leads(broker_client, "1"), 10, "the takeover")
            with pytest.raises(TimeoutError):
                await simulator.wait_for_calls(3, timeout_s=2)


async def test_a_leader_that_slept_publishes_nothing(
    valkey_url: str, broker_client: Redis, simulator: WhereTheIss
) -> None:
    """An answer that comes after the lease is over, as after a stop of the process, is dropped."""
    clock = JumpingClock()
    simulator.fault = Fault.HANG
    with structlog.testing.capture_logs() as log:
        async with ingesting(valkey_url, positions=simulator.url, clock=clock):
            await simulator.wait_for_calls(1)
            clock.jump(60)
            simulator.fault = None
            await wait_until(
                lambda: any(line["event"] == "lease_lost" for line in log), 10, "the loss"
            )
            assert await published_positions(broker_client) == []
            assert await position_status(broker_client) is None

            async def goes_on() -> bool:
                return bool(await published_positions(broker_client, Origin.LIVE))

            await wait_until(goes_on, 10, "a position under a new lease")


async def test_a_clock_that_is_set_back_silences_nothing(
    valkey_url: str, simulator: WhereTheIss
) -> None:
    """The next poll is a period away at most, not when the time has come again."""
    clock = WrongClock(timedelta(hours=1))
    async with ingesting(valkey_url, positions=simulator.url, clock=clock):
        await simulator.wait_for_calls(1)
        clock.jump(-timedelta(hours=1))
        # The first of them may have been due already.
        await simulator.wait_for_calls(3)


async def test_elements_are_downloaded_once(
    valkey_url: str, broker_client: Redis, simulator: WhereTheIss, celestrak: Celestrak
) -> None:
    """However often it starts, Celestrak sees one successful download, and none too early."""

    async def known() -> bool:
        return bool(await published_elements(broker_client))

    for _ in range(3):
        async with ingesting(valkey_url, positions=simulator.url, elements=celestrak.url):
            await wait_until(known, 10, "the elements")
            await wait_until(lambda: leads(broker_client), 10, "the lease")
    assert (len(celestrak.downloads), celestrak.calls) == (1, 1)
    (event,) = await published_elements(broker_client)
    assert (event.provider, event.origin) == ("celestrak", Origin.LIVE)
    assert event.data.epoch.timestamp() == pytest.approx(celestrak.epoch, abs=1)


async def due_at_once(client: Redis) -> None:
    """Forget when the elements are due, as if their period were over."""
    await client.delete(f"cassiopeia:source:{{{ELEMENTS}}}:status")


async def test_elements_that_did_not_change_are_no_event(
    valkey_url: str, broker_client: Redis, celestrak: Celestrak
) -> None:
    """The same set again publishes nothing; a new one is published."""
    celestrak.update_period_s = 0
    for downloads, sets in ((1, 1), (2, 1), (3, 2)):
        if sets == 2:
            celestrak.epoch += 3_600
        await due_at_once(broker_client)

        async def done() -> bool:
            return await elements_status(broker_client) is not None

        async with ingesting(valkey_url, elements=celestrak.url):
            await wait_until(done, 10, "the poll of the elements")
        assert len(celestrak.downloads) == downloads
        assert len(await published_elements(broker_client)) == sets


@pytest.mark.parametrize("fault", [Fault.NOT_UPDATED_403, Fault.NOT_UPDATED_200], ids=str)
async def test_nothing_newer_is_no_trouble(
    valkey_url: str, broker_client: Redis, celestrak: Celestrak, fault: Fault
) -> None:
    """Celestrak's prose that means `keep what you have` is an answer: no line, no letter."""

    async def done() -> bool:
        return await elements_status(broker_client) is not None

    async with ingesting(valkey_url, elements=celestrak.url):
        await wait_until(done, 10, "the elements")
    celestrak.fault = fault
    await due_at_once(broker_client)
    with structlog.testing.capture_logs() as log:
        async with ingesting(valkey_url, elements=celestrak.url):
            await wait_until(done, 10, "the poll of the elements")
    status = await elements_status(broker_client)
    assert status is not None
    assert (status.state, status.reason) == (SourceState.OK, None)
    assert await letters(broker_client) == []
    assert [
        line for line in log if line.get("source") == ELEMENTS and "source_" in line["event"]
    ] == []


async def after_a_poll_of_elements(
    valkey_url: str, client: Redis, celestrak: Celestrak
) -> SourceStatus:
    """Run the service until the elements were polled; return their status."""

    async def done() -> bool:
        return await elements_status(client) is not None

    async with ingesting(valkey_url, elements=celestrak.url):
        await wait_until(done, 10, "the poll of the elements")
    status = await elements_status(client)
    assert status is not None
    return status


@pytest.mark.parametrize("fault", [Fault.NOT_UPDATED_403, Fault.NOT_UPDATED_200], ids=str)
async def test_nothing_newer_than_nothing_is_trouble(
    valkey_url: str, broker_client: Redis, celestrak: Celestrak, fault: Fault
) -> None:
    """A broker that is new cannot keep what another had: the shipped elements stand in."""
    celestrak.fault = fault
    status = await after_a_poll_of_elements(valkey_url, broker_client, celestrak)
    assert (status.state, status.provider) == (SourceState.BLOCKED, "shipped")
    assert "not known here" in (status.reason or "")
    (event,) = await published_elements(broker_client)
    assert event.origin is Origin.SNAPSHOT


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault.ERROR_500, SourceState.FAILING),
        (Fault.FORBIDDEN_403, SourceState.BLOCKED),
        (Fault.TOO_MANY_429, SourceState.BLOCKED),
        (Fault.HTML_200, SourceState.FAILING),
        (Fault.MISSING_KEYS, SourceState.FAILING),
        (Fault.HUGE_BODY_GZIP, SourceState.FAILING),
        (Fault.RESET, SourceState.FAILING),
        (Fault.STALE, SourceState.FROZEN),
    ],
    ids=str,
)
async def test_without_celestrak_there_are_elements(
    valkey_url: str, broker_client: Redis, celestrak: Celestrak, fault: Fault, state: SourceState
) -> None:
    """Whatever is wrong with it, it is asked once and told as it is; shipped elements stand in."""
    celestrak.fault = fault
    celestrak.stale_by_s = 10 * 86_400
    status = await after_a_poll_of_elements(valkey_url, broker_client, celestrak)
    assert status.state is state
    assert celestrak.calls == 1
    (event,) = await published_elements(broker_client)
    is_stand_in = state is not SourceState.FROZEN
    assert event.origin is (Origin.SNAPSHOT if is_stand_in else Origin.LIVE)
    assert event.provider == ("shipped" if is_stand_in else "celestrak")


async def test_what_an_older_release_left_does_no_harm(
    valkey_url: str, broker_client: Redis
) -> None:
    """Elements in the broker that this release cannot read are as good as none."""
    key = f"cassiopeia:source:{{{ELEMENTS}}}:last"
    await broker_client.hset(key, "25544", '{"type":"cassiopeia.iss.elements.v0"}')

    async def stood_in() -> bool:
        return len(await published_positions(broker_client)) >= 2

    async with ingesting(valkey_url):
        await wait_until(stood_in, 10, "computed positions")


@pytest.fixture(scope="module")
def durable() -> Iterator[Servers]:
    """Servers that may be killed."""
    with running_servers(durable=True) as own:
        yield own


async def test_a_broker_that_restarts_is_found_again(
    durable: Servers, simulator: WhereTheIss
) -> None:
    """A poller whose broker was away goes on by itself, and says so once."""
    async with connect(durable.valkey_url, "test") as client:

        async def count() -> int:
            return len(await published_positions(client))

        with structlog.testing.capture_logs() as log:
            async with ingesting(durable.valkey_url, positions=simulator.url) as runtime:
                await wait_until(count, 10, "a position")
                await asyncio.to_thread(durable.valkey.stop)
                await wait_until(
                    lambda: any(line["event"] == "poller_waits_for_broker" for line in log),
                    20,
                    "the line that says what it waits for",
                )
                await asyncio.to_thread(durable.valkey.start)
                before = await count()

                async def goes_on() -> bool:
                    return await count() >= before + 2

                await wait_until(goes_on, 20, "positions after the restart")
                assert not runtime.stop.is_set()
    assert (simulator.log.violations, simulator.log.max_in_flight) == (0, 1)
    waits = [line["source"] for line in log if line["event"] == "poller_waits_for_broker"]
    assert waits.count(POSITIONS) == 1
