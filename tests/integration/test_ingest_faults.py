"""wheretheiss.at fails in every way that it can: what the position says meanwhile, and after."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio
import structlog
from redis.asyncio import Redis
from structlog.typing import EventDict

from libs.common.broker import connect
from libs.common.events import IssPositionEvent, Origin
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceStatus
from tests.integration.consumers import letters
from tests.integration.ingesting import ingesting, position_status, published_positions
from tests.servers import Servers
from tests.upstreams import iss
from tests.upstreams.celestrak import Celestrak
from tests.upstreams.faults import Fault
from tests.upstreams.server import running
from tests.upstreams.wheretheiss import WhereTheIss
from tests.waiting import wait_until

# What the source is called while each fault lasts, and what its reason says.
EXPECTED: Mapping[Fault, tuple[SourceState, str]] = {
    Fault.ERROR_500: (SourceState.FAILING, "wheretheiss answered 500"),
    Fault.TOO_MANY_429_RETRY_AFTER: (SourceState.BLOCKED, "wheretheiss"),
    Fault.FORBIDDEN_403: (SourceState.BLOCKED, "wheretheiss answered 403"),
    Fault.HTML_200: (SourceState.FAILING, "sent text/html that is not JSON"),
    Fault.ERROR_OBJECT_200: (SourceState.FAILING, "an error object: something went wrong"),
    Fault.TRUNCATED_JSON: (SourceState.FAILING, "sent application/json that is not JSON"),
    Fault.HUGE_BODY: (SourceState.FAILING, "sent more than 65536 bytes"),
    Fault.HUGE_BODY_GZIP: (SourceState.FAILING, "sent more than 65536 bytes"),
    Fault.HANG: (SourceState.FAILING, "did not answer within 0.5 s"),
    Fault.SLOW_BODY: (SourceState.FAILING, "did not answer within 0.5 s"),
    Fault.RESET: (SourceState.FAILING, "wheretheiss: "),
    Fault.FROZEN: (SourceState.FROZEN, "speaks of"),
    Fault.STALE: (SourceState.STALE, "speaks of"),
    Fault.MISSING_KEYS: (SourceState.FAILING, "timestamp: expected a number, got None"),
    Fault.NULL_VALUES: (SourceState.FAILING, "timestamp: expected a number, got None"),
    Fault.MILLISECONDS: (SourceState.FAILING, "timestamp: expected Unix seconds"),
    Fault.MILES_AS_KILOMETERS: (SourceState.FAILING, "velocity_kmh: "),
}
# Bodies that should not have been sent; those that are no body at all, or a right one, are not.
REJECTED = {
    Fault.HTML_200,
    Fault.ERROR_OBJECT_200,
    Fault.TRUNCATED_JSON,
    Fault.MISSING_KEYS,
    Fault.NULL_VALUES,
    Fault.MILLISECONDS,
    Fault.MILES_AS_KILOMETERS,
}


@dataclass(slots=True)
class Story:
    """What was seen before, while and after a fault lasted."""

    during: SourceStatus
    after: SourceStatus
    positions: Sequence[IssPositionEvent]
    letters: Sequence[dict[str, bytes]]
    log: Sequence[EventDict]
    healthy_calls: int
    violations: int
    max_in_flight: int


async def live(client: Redis) -> SourceStatus | None:
    """Return the status when the source is well and its data are live."""
    status = await position_status(client)
    is_live = status and status.state is SourceState.OK and status.origin == Origin.LIVE
    return status if is_live else None


async def told(client: Redis, fault: Fault) -> SourceStatus | None:
    """Return the status when it says of a fault what it must."""
    status = await position_status(client)
    state, reason = EXPECTED[fault]
    is_told = status and status.state is state and reason in (status.reason or "")
    return status if is_told else None


async def play(url: str, fault: Fault, log: Sequence[EventDict]) -> Story:
    """Run the service; let the fault begin, last for some polls, and end."""
    # The log's lines of everything that runs here carry the fault's name.
    structlog.contextvars.bind_contextvars(fault=fault)
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running(WhereTheIss()))
        simulator.retry_after_s = 2
        elements = await stack.enter_async_context(running(Celestrak()))
        client = await stack.enter_async_context(connect(url, "test"))
        await client.flushdb()
        await stack.enter_async_context(
            ingesting(
                url,
                positions=simulator.url,
                elements=elements.url,
                iss_timeout_seconds=0.5,
                iss_stale_seconds=3,
            )
        )
        await wait_until(lambda: live(client), 10, f"a live position before {fault}")
        simulator.fault, before = fault, simulator.calls
        during = await wait_until(lambda: told(client, fault), 20, f"the right state of {fault}")

        async def stood_in() -> bool:
            return len(await published_positions(client, Origin.COMPUTED)) >= 2

        await wait_until(stood_in, 10, f"computed positions during {fault}")
        simulator.fault, until = None, simulator.calls
        after = await wait_until(lambda: live(client), 30, f"a live position after {fault}")
        return Story(
            during=during,
            after=after,
            positions=await published_positions(client),
            letters=await letters(client),
            log=[line for line in log if line.get("fault") == fault],
            healthy_calls=before + simulator.calls - until,
            violations=simulator.log.violations,
            max_in_flight=simulator.log.max_in_flight,
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stories(servers: Servers) -> AsyncIterator[dict[Fault, Story]]:
    """Play all faults at the same time, each with a service and a database of its own."""
    databases: asyncio.Queue[int] = asyncio.Queue()
    # Database 0 belongs to the other tests; a broker has sixteen.
    for number in range(1, 16):
        databases.put_nowait(number)
    base = servers.valkey_url.removesuffix("/0")

    async def play_in_a_database(fault: Fault) -> Story:
        number = await databases.get()
        story = await play(f"{base}/{number}", fault, log)
        databases.put_nowait(number)
        return story

    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as log:
        played = await asyncio.gather(
            *(asyncio.create_task(play_in_a_database(fault)) for fault in EXPECTED)
        )
    yield dict(zip(EXPECTED, played, strict=True))


every_fault = pytest.mark.parametrize("fault", EXPECTED, ids=str)


@every_fault
def test_it_says_what_is_wrong(stories: dict[Fault, Story], fault: Fault) -> None:
    """While a fault lasts, state and reason tell it, and the data's provider is the stand-in."""
    status = stories[fault].during
    assert (status.state, EXPECTED[fault][1] in str(status.reason)) == (EXPECTED[fault][0], True)
    assert (status.provider, status.origin) == ("sgp4", "computed")
    assert status.failures >= 1
    assert status.last_live is not None
    assert status.last_success is not None
    assert status.last_live < status.last_success


@every_fault
def test_it_recovers_by_itself(stories: dict[Fault, Story], fault: Fault) -> None:
    """After the fault, position and source are live again, and nothing of it remains."""
    status = stories[fault].after
    assert (status.state, status.reason, status.failures) == (SourceState.OK, None, 0)
    assert (status.provider, status.origin) == ("wheretheiss.at", "live")
    assert status.last_live == status.last_success


@every_fault
def test_nothing_is_called_live_that_is_not(stories: dict[Fault, Story], fault: Fault) -> None:
    """There are no more live positions than healthy answers, and none is older than allowed."""
    live_positions = [event for event in stories[fault].positions if event.origin is Origin.LIVE]
    assert len({event.id for event in live_positions}) <= stories[fault].healthy_calls
    for event in live_positions:
        assert abs((event.fetchedat - event.time).total_seconds()) <= 3
        assert event.provider == "wheretheiss.at"


@every_fault
def test_the_stand_in_is_right_and_says_what_it_is(
    stories: dict[Fault, Story], fault: Fault
) -> None:
    """Computed positions name their elements and their age, and lie where the station is."""
    computed = [event for event in stories[fault].positions if event.origin is Origin.COMPUTED]
    assert computed
    for event in computed:
        truth = iss.place(event.time.timestamp())
        assert (event.provider, event.data.elements_trusted) == ("sgp4", True)
        assert event.data.elements_epoch is not None
        assert event.data.elements_age_s == pytest.approx(6 * 3_600, abs=60)
        # The simulated orbit and SGP4 agree within some 20 km, a fifth of a degree.
        assert event.data.latitude_deg == pytest.approx(truth.latitude, abs=0.4)
        assert event.data.altitude_km == pytest.approx(truth.altitude, abs=30)


@every_fault
def test_one_line_when_it_begins_and_one_when_it_ends(
    stories: dict[Fault, Story], fault: Fault
) -> None:
    """Above debug, nothing is logged of a fault but its beginning and its end."""
    lines = [line for line in stories[fault].log if line["log_level"] != "debug"]
    assert [(line["event"], line["source"]) for line in lines] == [
        ("source_degraded", "iss"),
        ("source_recovered", "iss"),
    ]
    began, ended = lines
    assert (began["log_level"], began["stand_in"]) == ("warning", "sgp4")
    assert began["reason"]
    assert ended["provider"] == "wheretheiss.at"


@every_fault
def test_what_should_not_have_been_sent_is_kept_once(
    stories: dict[Fault, Story], fault: Fault
) -> None:
    """A rejected body is a dead letter, whole and only once; nothing else is one."""
    found = stories[fault].letters
    assert bool(found) == (fault in REJECTED)
    assert len({letter["body"] for letter in found}) == len(found)
    for letter in found:
        assert (letter["source"], letter["provider"]) == (b"iss", b"wheretheiss.at")
        assert EXPECTED[fault][1] in letter["reason"].decode()
        assert letter["body"].startswith((b"{", b"<!DOCTYPE html>"))


@every_fault
def test_the_upstream_is_not_abused(stories: dict[Fault, Story], fault: Fault) -> None:
    """Failing or not, the upstream sees one call at a time and no more than it allows."""
    assert (stories[fault].violations, stories[fault].max_in_flight) == (0, 1)


async def test_miles_are_no_fault(valkey_url: str, broker_client: Redis) -> None:
    """An answer in miles that says so is a live position in kilometres."""
    async with running(WhereTheIss()) as simulator:
        simulator.fault = Fault.MILES
        async with ingesting(valkey_url, positions=simulator.url):
            await wait_until(lambda: live(broker_client), 10, "a live position")
    for event in await published_positions(broker_client):
        assert event.origin is Origin.LIVE
        assert 380 < event.data.altitude_km < 450
        assert event.data.upstream_body["units"] == "miles"
