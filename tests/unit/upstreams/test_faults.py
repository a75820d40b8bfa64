"""Each fault does what it says, ends when it is told to, and harms nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientResponse, ClientSession

from tests.upstreams.base import Simulator
from tests.upstreams.celestrak import PATH, Celestrak
from tests.upstreams.faults import Fault
from tests.upstreams.server import running
from tests.upstreams.wheretheiss import WhereTheIss

CELESTRAK_QUERY = f"{PATH}?CATNR=25544&FORMAT=JSON"


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[WhereTheIss]:
    """Give a healthy wheretheiss.at."""
    async with running(WhereTheIss()) as upstream:
        yield upstream


def position_url(simulator: Simulator) -> str:
    """Return the address of the present position."""
    return f"{simulator.url}/satellites/25544"


async def ask(session: ClientSession, simulator: Simulator) -> tuple[ClientResponse, bytes]:
    """Ask for the position of now; return the answer and its body."""
    async with session.get(position_url(simulator)) as response:
        return response, await response.read()


@pytest.mark.parametrize(
    ("fault", "status", "content_type"),
    [
        (Fault.ERROR_500, 500, "text/html"),
        (Fault.FORBIDDEN_403, 403, "text/html"),
        (Fault.HTML_200, 200, "text/html"),
        (Fault.ERROR_OBJECT_200, 200, "application/json"),
        (Fault.TOO_MANY_429, 429, "application/json"),
        (Fault.TOO_MANY_429_RETRY_AFTER, 429, "application/json"),
    ],
)
async def test_faults_with_a_status(
    session: ClientSession, simulator: WhereTheIss, fault: Fault, status: int, content_type: str
) -> None:
    """Status and content type are as named; only one fault tells how long to wait."""
    simulator.fault = fault
    simulator.retry_after_s = 7
    response, body = await ask(session, simulator)
    assert (response.status, response.content_type) == (status, content_type)
    asks_to_wait = fault is Fault.TOO_MANY_429_RETRY_AFTER
    assert response.headers.get("Retry-After") == ("7" if asks_to_wait else None)
    if content_type == "application/json":
        assert "error" in json.loads(body)
    simulator.fault = None
    response, body = await ask(session, simulator)
    assert response.status == 200
    assert json.loads(body)["id"] == 25544


async def test_truncated_json(session: ClientSession, simulator: WhereTheIss) -> None:
    """The transfer is whole, the JSON is not."""
    simulator.fault = Fault.TRUNCATED_JSON
    response, body = await ask(session, simulator)
    assert response.status == 200
    assert body.startswith(b'{"name":"iss"')
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


@pytest.mark.parametrize("fault", [Fault.HUGE_BODY, Fault.HUGE_BODY_GZIP])
async def test_huge_body(session: ClientSession, simulator: WhereTheIss, fault: Fault) -> None:
    """The body is valid JSON of the given size; its length is not announced."""
    simulator.fault = fault
    simulator.huge_body_bytes = 3_000_000
    response, body = await ask(session, simulator)
    assert response.headers.get("Content-Length") is None
    assert len(body) == 3_000_000
    assert json.loads(body)["padding"].strip("x") == ""
    if fault is Fault.HUGE_BODY_GZIP:
        assert simulator.bytes_streamed < 30_000


async def test_huge_body_stops_with_its_client(
    session: ClientSession, simulator: WhereTheIss
) -> None:
    """When the client has read enough and leaves, the rest is not sent."""
    simulator.fault = Fault.HUGE_BODY
    async with session.get(position_url(simulator)) as response:
        await response.content.readexactly(100_000)
        response.close()
    simulator.fault = None
    await ask(session, simulator)
    assert 100_000 <= simulator.bytes_streamed < simulator.huge_body_bytes


async def test_hang_until_released(session: ClientSession, simulator: WhereTheIss) -> None:
    """A hanging call is answered when the fault ends."""
    simulator.fault = Fault.HANG
    pending = asyncio.create_task(ask(session, simulator))
    await simulator.wait_for_calls(1)
    assert not pending.done()
    simulator.fault = None
    response, _ = await pending
    assert response.status == 200


async def test_hang_ends_with_its_client(session: ClientSession, simulator: WhereTheIss) -> None:
    """A call whose client has left hangs no longer."""
    simulator.fault = Fault.HANG
    pending = asyncio.create_task(ask(session, simulator))
    await simulator.wait_for_calls(1)
    assert simulator.log.in_flight == 1
    pending.cancel()
    async with asyncio.timeout(5):
        while simulator.log.in_flight:  # noqa: ASYNC110 - the server tells nobody when it notices
            await asyncio.sleep(0)
    assert simulator.log.calls[0].status is None


async def test_slow_body(session: ClientSession, simulator: WhereTheIss) -> None:
    """Headers come at once, the body byte by byte; ending the fault sends the rest."""
    simulator.fault = Fault.SLOW_BODY
    simulator.slow_interval_s = 0.01
    async with session.get(position_url(simulator)) as response:
        assert await response.content.readexactly(3) == b'{"n'
        assert simulator.bytes_streamed < 100
        simulator.fault = None
        assert json.loads(b'{"n' + await response.read())["id"] == 25544


async def test_reset(session: ClientSession, simulator: WhereTheIss) -> None:
    """The connection breaks before any answer."""
    simulator.fault = Fault.RESET
    with pytest.raises(ClientError):
        await ask(session, simulator)
    assert simulator.calls >= 1


async def test_frozen(session: ClientSession) -> None:
    """The body from before the fault comes again, however late it is."""
    now = 1_791_574_969.0
    async with running(WhereTheIss(clock=lambda: now)) as simulator:
        _, before = await ask(session, simulator)
        simulator.fault = Fault.FROZEN
        now += 3_600
        _, frozen = await ask(session, simulator)
        simulator.fault = None
        _, after = await ask(session, simulator)
    assert frozen == before
    assert json.loads(after)["timestamp"] == json.loads(before)["timestamp"] + 3_600


async def test_stale(session: ClientSession) -> None:
    """The answer moves on, an hour behind."""
    now = 1_791_574_969.0
    async with running(WhereTheIss(clock=lambda: now)) as simulator:
        simulator.fault = Fault.STALE
        for _ in range(2):
            assert json.loads((await ask(session, simulator))[1])["timestamp"] == now - 3_600
            now += 5


async def test_missing_keys_and_null_values(session: ClientSession, simulator: WhereTheIss) -> None:
    """The keys that matter are gone or null, the others stay."""
    simulator.fault = Fault.MISSING_KEYS
    record = json.loads((await ask(session, simulator))[1])
    assert not {"latitude", "longitude", "timestamp"} & record.keys()
    assert record["id"] == 25544
    simulator.fault = Fault.NULL_VALUES
    record = json.loads((await ask(session, simulator))[1])
    assert [record[key] for key in ("latitude", "longitude", "timestamp")] == [None] * 3
    assert record["id"] == 25544


async def test_milliseconds(session: ClientSession, simulator: WhereTheIss) -> None:
    """The time is a thousand times too large, and so is the Julian day."""
    simulator.fault = Fault.MILLISECONDS
    record = json.loads((await ask(session, simulator))[1])
    assert record["timestamp"] > 1_700_000_000_000
    assert record["daynum"] > 20_000_000


@pytest.mark.parametrize(
    ("fault", "units"), [(Fault.MILES, "miles"), (Fault.MILES_AS_KILOMETERS, "kilometers")]
)
async def test_miles(
    session: ClientSession, simulator: WhereTheIss, fault: Fault, units: str
) -> None:
    """The values are in miles, whatever the record says and the request asked for."""
    simulator.fault = fault
    async with session.get(position_url(simulator), params={"units": "kilometers"}) as response:
        record = await response.json()
    assert record["units"] == units
    assert 250 < record["altitude"] < 280
    assert 17_000 < record["velocity"] < 17_200


@pytest.mark.parametrize("fault", sorted(set(Fault) - WhereTheIss.inapplicable))
async def test_every_fault_of_wheretheiss_is_over_when_it_is_over(
    session: ClientSession, simulator: WhereTheIss, fault: Fault
) -> None:
    """After any fault the next answer is right, with the time of now."""
    simulator.fault = fault
    pending = asyncio.create_task(ask(session, simulator))
    await simulator.wait_for_calls(1)
    simulator.fault = None
    await asyncio.gather(pending, return_exceptions=True)
    response, body = await ask(session, simulator)
    assert response.status == 200
    assert json.loads(body)["timestamp"] == pytest.approx(simulator.now, abs=5)


@pytest.mark.parametrize("fault", sorted(set(Fault) - Celestrak.inapplicable - {Fault.STALE}))
async def test_every_fault_of_celestrak_shows(session: ClientSession, fault: Fault) -> None:
    """No fault leaves a normal answer, or none but the repeated one, and each ends."""
    async with running(Celestrak(update_period_s=0)) as simulator:
        url = simulator.url + CELESTRAK_QUERY
        async with session.get(url) as response:
            healthy = await response.read()
        simulator.fault = fault
        simulator.huge_body_bytes = 100_000
        pending = asyncio.create_task(_outcome(session, url))
        await simulator.wait_for_calls(2)
        if fault in (Fault.HANG, Fault.SLOW_BODY):
            assert not pending.done()
            pending.cancel()
        else:
            assert (await pending == (200, healthy)) is (fault is Fault.FROZEN)
        simulator.fault = None
        assert await _outcome(session, url) == (200, healthy)


async def _outcome(session: ClientSession, url: str) -> tuple[int, bytes] | None:
    try:
        async with session.get(url) as response:
            return response.status, await response.read()
    except ClientError:
        return None


def test_refuses_a_fault_that_makes_no_sense() -> None:
    """Miles are no fault of Celestrak's."""
    with pytest.raises(ValueError, match="celestrak has no fault miles"):
        Celestrak().fault = Fault.MILES
