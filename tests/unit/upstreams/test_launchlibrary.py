"""The simulated Launch Library answers as the real one was recorded."""

import json
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession

from tests.upstreams.faults import Fault
from tests.upstreams.launchlibrary import ANONYMOUS_LIMIT, THROTTLE, UPCOMING, LaunchLibrary
from tests.upstreams.server import running

NOON = 1_772_452_800.0


async def get(session: ClientSession, url: str, status: int = 200) -> Any:
    """GET a JSON document."""
    async with session.get(url) as response:
        assert response.status == status, await response.text()
        return await response.json()


async def test_pages_hold_every_launch_once(session: ClientSession) -> None:
    """The links lead through all of them, and end."""
    async with running(LaunchLibrary(count=25, clock=lambda: NOON)) as library:
        url: str | None = f"{library.url}{UPCOMING}?limit=10"
        found: list[str] = []
        while url:
            page = await get(session, url)
            assert page["count"] == 25
            found += [record["id"] for record in page["results"]]
            url = page["next"]
        assert found == [record["id"] for record in library.launches]
        assert library.calls == 3


async def test_the_recent_ones_can_be_hidden(session: ClientSession) -> None:
    """The launches of the last day stand among the upcoming ones unless they are hidden."""
    async with running(LaunchLibrary(clock=lambda: NOON)) as library:
        url = f"{library.url}{UPCOMING}?limit=1"
        first = (await get(session, url))["results"][0]
        assert first["status"]["abbrev"] == "Success"
        first = (await get(session, f"{url}&hide_recent_previous=true"))["results"][0]
        assert first["status"]["abbrev"] == "Go"


async def test_the_shapes_that_were_seen(session: ClientSession) -> None:
    """Null, texts and numbers stand where they do in real records."""
    async with running(LaunchLibrary(clock=lambda: NOON)) as library:
        records = (await get(session, f"{library.url}{UPCOMING}?limit=50"))["results"]
        for field in ("mission", "image", "net_precision"):
            assert {type(record[field]) for record in records} == {dict, type(None)}
        assert {type(record["pad"]["latitude"]) for record in records} == {str, float}
        short = await get(session, f"{library.url}{UPCOMING}?mode=list")
        assert "launch_service_provider" not in short["results"][0]


async def test_the_limit_and_its_count(session: ClientSession) -> None:
    """Fifteen calls an hour; asking for the count is none, and the refusal is worded."""
    now = NOON
    async with running(LaunchLibrary(enforce_limits=True, clock=lambda: now)) as library:
        url = f"{library.url}{UPCOMING}?limit=1"
        for _ in range(ANONYMOUS_LIMIT - 1):
            await get(session, url)
        throttle = await get(session, library.url + THROTTLE)
        assert (throttle["your_request_limit"], throttle["current_use"]) == (15, 14)
        assert throttle["next_use_secs"] == 0
        await get(session, url)
        now += 600
        body = await get(session, url, 429)
        assert body["detail"].startswith("Request was throttled. Expected available in ")
        assert (await get(session, library.url + THROTTLE))["next_use_secs"] == 3_000
        assert library.log.violations == 1
        now += 3_600
        await get(session, url)


async def test_the_words_of_a_refusal(session: ClientSession) -> None:
    """One second is singular."""
    async with running(LaunchLibrary()) as library:
        library.fault = Fault.TOO_MANY_429
        for seconds, words in ((1, "in 1 second."), (5, "in 5 seconds.")):
            library.retry_after_s = seconds
            assert (await get(session, library.url + UPCOMING, 429))["detail"].endswith(words)


@pytest.mark.parametrize("fault", sorted(set(Fault) - LaunchLibrary.inapplicable))
async def test_every_fault_shows_and_ends(session: ClientSession, fault: Fault) -> None:
    """No fault but the frozen answer leaves a normal one, and each ends."""
    async with running(LaunchLibrary(clock=lambda: NOON)) as library:
        url = f"{library.url}{UPCOMING}?limit=3"
        healthy = await get(session, url)
        library.fault = fault
        library.huge_body_bytes = 10_000
        if fault not in (Fault.HANG, Fault.SLOW_BODY):
            assert (await outcome(session, url) == healthy) is (fault is Fault.FROZEN)
        library.fault = None
        assert await get(session, url) == healthy


async def outcome(session: ClientSession, url: str) -> Any:
    """Return the document of an answer; None where there is none."""
    try:
        async with session.get(url) as response:
            return json.loads(await response.read())
    except (ClientError, ValueError):
        return None
