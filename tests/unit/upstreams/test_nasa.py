"""The simulated api.nasa.gov answers as the real one was recorded."""

import json
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession

from tests.upstreams.faults import Fault
from tests.upstreams.nasa import KEY_LIMITS, Nasa
from tests.upstreams.server import running

# Monday, 2 March 2026, 12:00 UTC.
NOON = 1_772_452_800.0
HEADERS = {"X-Api-Key": "DEMO_KEY"}


async def get(session: ClientSession, url: str, status: int = 200, *, key: str = "DEMO_KEY") -> Any:
    """GET a JSON document, whatever its content type says."""
    async with session.get(url, headers={"X-Api-Key": key}) as response:
        assert response.status == status, await response.text()
        return json.loads(await response.read())


async def test_the_picture_of_today_and_of_a_day(session: ClientSession) -> None:
    """A date chooses; what lies outside of the range is refused with the range."""
    async with running(Nasa(clock=lambda: NOON)) as nasa:
        url = f"{nasa.url}/planetary/apod"
        assert (await get(session, url))["date"] == "2026-03-02"
        assert (await get(session, f"{url}?date=2026-02-01"))["date"] == "2026-02-01"
        error = await get(session, f"{url}?date=2026-03-03", 400)
        assert error == {
            "code": 400,
            "msg": "Date must be between Jun 16, 1995 and Mar 02, 2026.",
            "service_version": "v1",
        }


async def test_every_kind_of_picture_in_a_week(session: ClientSession) -> None:
    """Five images, a video whose still has to be asked for, and one that has no link at all."""
    async with running(Nasa(clock=lambda: NOON)) as nasa:
        url = f"{nasa.url}/planetary/apod?date=2026-02-"
        week = [await get(session, f"{url}{day:02}") for day in range(1, 8)]
        kinds = [record["media_type"] for record in week]
        assert sorted(kinds) == ["image"] * 5 + ["other", "video"]
        assert "url" not in week[kinds.index("other")]
        video = week[kinds.index("video")]
        assert video["url"].startswith("//")
        assert "thumbnail_url" not in video
        assert "thumbnail_url" in await get(session, f"{url}{video['date'][-2:]}&thumbs=true")


async def test_the_feed_repeats_the_key(session: ClientSession) -> None:
    """Every link of the feed holds the key of whoever asked; numbers are texts."""
    async with running(Nasa(clock=lambda: NOON)) as nasa:
        url = f"{nasa.url}/neo/rest/v1/feed?start_date=2026-02-28&end_date=2026-03-02"
        feed = await get(session, url, key="abc123")
        assert sorted(feed["near_earth_objects"]) == ["2026-02-28", "2026-03-01", "2026-03-02"]
        assert feed["element_count"] == 18
        assert "api_key=abc123" in feed["links"]["self"]
        asteroid = feed["near_earth_objects"]["2026-03-01"][0]
        assert asteroid["links"]["self"].endswith("?api_key=abc123")
        miss = asteroid["close_approach_data"][0]["miss_distance"]
        assert all(isinstance(value, str) for value in miss.values())
        await get(session, url.replace("2026-02-28", "2026-02-01"), 400)


async def test_donki_lists_and_nothing(session: ClientSession) -> None:
    """Flares and ejections of the days asked for; an empty list, or an empty body, for none."""
    async with running(Nasa(clock=lambda: NOON)) as nasa:
        query = "startDate=2026-02-27&endDate=2026-03-02"
        flares = await get(session, f"{nasa.url}/DONKI/FLR?{query}")
        assert len(flares) == 8
        assert flares[0]["beginTime"] == "2026-02-27T07:35Z"
        assert flares[1]["endTime"] is None
        ejections = await get(session, f"{nasa.url}/DONKI/CME?{query}")
        assert [each["cmeAnalyses"] is None for each in ejections] == [False, True, False, True]
        nasa.quiet_sun = True
        assert await get(session, f"{nasa.url}/DONKI/CME?{query}") == []
        nasa.without_body = True
        async with session.get(f"{nasa.url}/DONKI/CME?{query}", headers=HEADERS) as response:
            assert (response.status, await response.read()) == (200, b"")


async def test_keys(session: ClientSession) -> None:
    """Without a key, and with a wrong one, the gateway refuses in its own words."""
    async with running(Nasa(key="right")) as nasa:
        url = f"{nasa.url}/planetary/apod"
        async with session.get(url) as response:
            assert response.status == 403
            assert (await response.json())["error"]["code"] == "API_KEY_MISSING"
        error = await get(session, url, 403, key="wrong")
        assert error["error"]["code"] == "API_KEY_INVALID"
        async with session.get(f"{url}?api_key=right") as response:
            assert response.status == 200
        assert nasa.keys_in_urls == 1


async def test_one_limit_for_all_that_is_behind_the_gateway(session: ClientSession) -> None:
    """Thirty calls an hour, counted down in the headers, then 429 in text/html."""
    now = NOON
    async with running(Nasa(enforce_limits=True, clock=lambda: now)) as nasa:
        paths = ["/planetary/apod", "/DONKI/FLR", "/neo/rest/v1/feed"]
        for index in range(30):
            async with session.get(nasa.url + paths[index % 3], headers=HEADERS) as response:
                assert response.status == 200
                assert response.headers["X-RateLimit-Remaining"] == str(29 - index)
        now += 600
        async with session.get(nasa.url + paths[0], headers=HEADERS) as response:
            assert (response.status, response.content_type) == (429, "text/html")
            assert response.headers["Retry-After"] == "3000"
            body = json.loads(await response.read())
            assert body["error"]["code"] == "OVER_RATE_LIMIT"
        assert nasa.log.violations == 1
        now += 3_600
        await get(session, nasa.url + paths[0])


async def test_a_key_of_ones_own_has_another_limit(session: ClientSession) -> None:
    """A thousand an hour, as the headers say."""
    async with running(Nasa(demo=False)) as nasa:
        url = f"{nasa.url}/planetary/apod"
        async with session.get(url, headers=HEADERS) as response:
            assert response.headers["X-RateLimit-Limit"] == str(KEY_LIMITS[0].calls)


async def test_a_revision_changes_one_record(session: ClientSession) -> None:
    """What was revised is served, and what `flares` says is what is served."""
    async with running(Nasa(clock=lambda: NOON)) as nasa:
        today = nasa.today
        url = f"{nasa.url}/DONKI/FLR?startDate={today}&endDate={today}"
        number = (await get(session, url))[1]["flrID"]
        nasa.revisions[number] = {"endTime": "2026-03-02T17:00Z"}
        served = await get(session, url)
        assert served[1]["endTime"] == "2026-03-02T17:00Z"
        assert served == nasa.flares(today, today)


@pytest.mark.parametrize("fault", sorted(set(Fault) - Nasa.inapplicable - {Fault.STALE}))
async def test_every_fault_shows_and_ends(session: ClientSession, fault: Fault) -> None:
    """No fault but the frozen answer leaves a normal one, and each ends."""
    async with running(Nasa(clock=lambda: NOON)) as nasa:
        url = f"{nasa.url}/planetary/apod"
        healthy = await get(session, url)
        nasa.fault = fault
        nasa.huge_body_bytes = 10_000
        if fault not in (Fault.HANG, Fault.SLOW_BODY):
            assert (await outcome(session, url) == healthy) is (fault is Fault.FROZEN)
        nasa.fault = None
        assert await get(session, url) == healthy


async def outcome(session: ClientSession, url: str) -> Any:
    """Return the document of an answer; None where there is none."""
    try:
        async with session.get(url, headers=HEADERS) as response:
            return json.loads(await response.read())
    except (ClientError, ValueError):
        return None
