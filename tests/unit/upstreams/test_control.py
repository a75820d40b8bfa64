"""Counting, limits, and the control over HTTP."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.upstreams.calls import Call, CallLog, Limit
from tests.upstreams.celestrak import Celestrak
from tests.upstreams.faults import Fault
from tests.upstreams.server import running, serving
from tests.upstreams.wheretheiss import WhereTheIss

REPOSITORY = Path(__file__).parents[3]


async def log_of(times: list[float], *limits: Limit) -> CallLog:
    """Return a log of calls that arrived at these times, half of them at another path."""
    log = CallLog(limits)
    for number, at in enumerate(times):
        await log.begin(Call(at, "GET", f"/{number % 2}", "", ""))
        log.end()
    return log


async def test_counts_in_any_window() -> None:
    """The largest number of calls is found wherever its window begins; its end is outside."""
    log = await log_of([0, 10, 11, 12, 13, 14.9, 15, 30])
    assert log.max_calls_in(5) == 5
    assert log.max_calls_in(5.1) == 6
    assert log.max_calls_in(5, path="/1") == 3
    assert log.max_calls_in(0.5) == 2
    assert log.max_calls_in(100) == 8
    assert (await log_of([])).max_calls_in(5) == 0


async def test_counts_calls_beyond_a_limit() -> None:
    """Every call that finds its window full is a violation, refused ones filling it too."""
    log = await log_of([0, 1, 2, 3, 20], Limit(calls=2, window_s=10))
    assert log.violations == 2


async def test_counts_calls_paths_and_those_at_once(session: ClientSession) -> None:
    """The log holds each call with its path and status, and how many were open together."""
    async with running(WhereTheIss()) as simulator:
        simulator.fault = Fault.HANG
        pending = [
            asyncio.create_task(session.get(f"{simulator.url}/satellites/{number}"))
            for number in (25544, 25544, 1)
        ]
        await simulator.wait_for_calls(3)
        simulator.fault = None
        for response in await asyncio.gather(*pending):
            response.release()
    assert simulator.log.max_in_flight == 3
    assert simulator.log.in_flight == 0
    assert simulator.log.per_path() == {"/satellites/25544": 2, "/satellites/1": 1}
    assert sorted(call.status or 0 for call in simulator.log.calls) == [200, 200, 404]


async def test_waiting_for_calls_that_do_not_come_ends() -> None:
    """Whoever waits in vain gets an error."""
    with pytest.raises(TimeoutError):
        await WhereTheIss().wait_for_calls(1, timeout_s=0)


async def test_enforces_the_published_limits(session: ClientSession) -> None:
    """Enforcing, it answers 429 to a third call in a second and to the 351st in five minutes."""
    now = 1_791_574_969.0
    async with running(WhereTheIss(enforce_limits=True, clock=lambda: now)) as simulator:

        async def status() -> int:
            async with session.get(f"{simulator.url}/satellites") as response:
                return response.status

        assert [await status() for _ in range(3)] == [200, 200, 429]
        now += 300
        statuses = []
        for _ in range(351):
            now += 0.5
            statuses.append(await status())
        assert statuses == [200] * 350 + [429]
        assert simulator.log.violations == 2
        simulator.enforce_limits = False
        assert await status() == 200


async def test_serves_all_under_one_port_with_a_control(session: ClientSession) -> None:
    """Each simulator has its prefix; faults and counts go over HTTP."""
    wheretheiss, celestrak = WhereTheIss(), Celestrak()
    async with serving({"/wheretheiss": wheretheiss, "/celestrak": celestrak}) as control:
        assert wheretheiss.url.endswith("/wheretheiss/v1")
        assert celestrak.url.endswith("/celestrak")
        order = {"upstream": "wheretheiss", "fault": "error_500"}
        async with session.post(f"{control}/fault", json=order) as response:
            assert response.status == 200
        async with session.get(f"{wheretheiss.url}/satellites") as response:
            assert response.status == 500
        async with session.get(f"{control}/calls") as response:
            counts = await response.json()
        assert counts["wheretheiss"]["fault"] == "error_500"
        assert counts["wheretheiss"]["per_path"] == {"/satellites": 1}
        assert counts["wheretheiss"]["max_in_window_s"]["300"] == 1
        assert counts["celestrak"]["calls"] == 0
        order["fault"] = "none"
        async with session.post(f"{control}/fault", json=order) as response:
            assert response.status == 200
        assert wheretheiss.fault is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '{"upstream": "wheretheiss"}',
        '{"upstream": "nasa", "fault": "hang"}',
        '{"upstream": "wheretheiss", "fault": "cough"}',
        '{"upstream": "wheretheiss", "fault": "not_updated_403"}',
    ],
)
async def test_the_control_says_what_it_expects(session: ClientSession, body: str) -> None:
    """A wrong order gets 400 with the names of upstreams and faults, and changes nothing."""
    simulator = WhereTheIss()
    async with (
        serving({"": simulator}) as control,
        session.post(f"{control}/fault", data=body) as response,
    ):
        assert response.status == 400
        assert "hang" in (await response.json())["expected"]["fault"]
    assert simulator.fault is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_runs_by_hand(session: ClientSession, number: signal.Signals) -> None:
    """The command prints the settings to use, serves, and stops with 0 when asked to."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.upstreams", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
    )
    try:
        assert process.stdout is not None
        lines = [(await process.stdout.readline()).decode().strip() for _ in range(4)]
        settings = dict(line.split("=", 1) for line in lines if line.startswith("CASSIOPEIA_"))
        url = settings["CASSIOPEIA_WHERETHEISS_URL"]
        async with session.get(f"{url}/satellites") as response:
            assert response.status == 200
        assert settings["CASSIOPEIA_CELESTRAK_URL"].endswith("/celestrak")
        process.send_signal(number)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
