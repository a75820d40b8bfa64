"""What ingest_space does with what its upstreams say about calls, days and pages."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from libs.common.broker import connect
from libs.common.clock import SystemClock
from libs.common.errors import AccessRefusedError, BudgetExhaustedError, RateLimitedError
from libs.common.polling.source_state import SourceState
from libs.common.topology import EVENTS_DEAD
from libs.common.upstream.client import ClientOptions, UpstreamClient
from services.ingest_space.providers.nasa import DEMO_LIMITS, NasaApi, NasaBudget
from tests.integration.space import Space, simulated
from tests.upstreams.base import Answer, json_answer
from tests.upstreams.faults import Fault
from tests.upstreams.launchlibrary import UPCOMING
from tests.upstreams.nasa import Nasa
from tests.upstreams.server import running


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    """A client on an empty server."""
    client = connect(valkey_url, "test")
    yield client
    await client.aclose()


@pytest.fixture
async def space(redis: Redis, valkey_url: str) -> AsyncIterator[Space]:
    """The service beside healthy upstreams."""
    async with simulated(redis, valkey_url) as running_space:
        yield running_space


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP session."""
    async with aiohttp.ClientSession() as client:
        yield client


def nasa_api(redis: Redis, session: aiohttp.ClientSession, url: str) -> NasaApi:
    """Return what the providers call, with the key that everybody has."""
    budget = NasaBudget(redis, upstream="api.nasa.gov/demo", limits=DEMO_LIMITS)
    options = ClientOptions(timeout_s=5.0, headers={"X-Api-Key": "DEMO_KEY"})
    client = UpstreamClient(
        session, base_url=url, budget=budget, options=options, clock=SystemClock()
    )
    return NasaApi(client)


async def test_the_headers_of_the_gateway_overrule_the_published_limit(
    redis: Redis, session: aiohttp.ClientSession
) -> None:
    """Where its count says that none is left, nothing is asked for the rest of the hour."""
    async with running(Nasa()) as nasa:
        nasa.real_limit = 2
        api = nasa_api(redis, session, nasa.url)
        for _ in range(2):
            await api.get("/planetary/apod", {})
        with pytest.raises(BudgetExhaustedError) as caught:
            await api.get("/DONKI/FLR", {})
        assert 3_500 < caught.value.wait_s <= 3_600
        assert nasa.calls == 2


async def test_retry_after_of_the_gateway_is_obeyed(
    redis: Redis, session: aiohttp.ClientSession
) -> None:
    """A 429 in text/html closes the budget of all four sources for as long as it says."""
    async with running(Nasa()) as nasa:
        nasa.fault = Fault.TOO_MANY_429_RETRY_AFTER
        nasa.retry_after_s = 1_234
        api = nasa_api(redis, session, nasa.url)
        with pytest.raises(RateLimitedError, match="OVER_RATE_LIMIT"):
            await api.get("/planetary/apod", {})
        with pytest.raises(BudgetExhaustedError) as caught:
            await api.get("/DONKI/FLR", {})
        assert 1_200 < caught.value.wait_s <= 1_234
        assert nasa.calls == 1


@pytest.mark.parametrize("seconds", [5, 29, 30, 31])
async def test_any_number_of_seconds_means_itself(
    redis: Redis, session: aiohttp.ClientSession, seconds: int
) -> None:
    """Also thirty, which the client assumes elsewhere, and also where the count says zero."""
    async with running(Nasa()) as nasa:
        nasa.fault = Fault.TOO_MANY_429_RETRY_AFTER
        nasa.retry_after_s = seconds
        nasa.real_limit = 0
        api = nasa_api(redis, session, nasa.url)
        with pytest.raises(RateLimitedError):
            await api.get("/planetary/apod", {})
        with pytest.raises(BudgetExhaustedError) as caught:
            await api.get("/DONKI/FLR", {})
        assert 0 < caught.value.wait_s <= seconds


async def test_a_refusal_that_does_not_say_how_long_lasts_for_the_hour(
    redis: Redis, session: aiohttp.ClientSession
) -> None:
    """The gateway counts by the rolling hour."""
    async with running(Nasa()) as nasa:
        nasa.fault = Fault.TOO_MANY_429
        api = nasa_api(redis, session, nasa.url)
        with pytest.raises(RateLimitedError):
            await api.get("/planetary/apod", {})
        with pytest.raises(BudgetExhaustedError) as caught:
            await api.get("/DONKI/FLR", {})
        assert 3_500 < caught.value.wait_s <= 3_600


@pytest.mark.parametrize(
    ("code", "error"),
    [("OVER_RATE_LIMIT", RateLimitedError), ("API_KEY_DISABLED", AccessRefusedError)],
)
async def test_an_error_with_status_200_is_one(
    redis: Redis, session: aiohttp.ClientSession, code: str, error: type[Exception]
) -> None:
    """The gateway's error object means the same whatever status it comes with."""

    class Confused(Nasa):
        async def answer(self, request: Any, path: str) -> Answer:
            del request, path
            return json_answer({"error": {"code": code, "message": "Something."}})

    async with running(Confused()) as nasa:
        with pytest.raises(error, match=code):
            await nasa_api(redis, session, nasa.url).get("/planetary/apod", {})


async def test_the_picture_of_the_day_before_while_there_is_none(space: Space) -> None:
    """A complaint about the date is answered with the day before, in the same poll."""
    yesterday = space.nasa.today - timedelta(days=1)
    space.nasa.pictures_until = yesterday
    statuses = await space.poll()
    assert statuses["apod"].state is SourceState.OK
    subjects = [event.subject for event in await space.published() if "apod" in event.type]
    assert subjects == [yesterday.isoformat()]


@pytest.mark.parametrize("without_body", [False, True])
async def test_a_quiet_sun_is_no_fault(space: Space, *, without_body: bool) -> None:
    """No flares and no ejections are an answer, written as an empty list or as nothing."""
    space.nasa.quiet_sun = True
    space.nasa.without_body = without_body
    statuses = await space.poll()
    assert statuses["flares"].state is statuses["cmes"].state is SourceState.OK
    assert {event.type.split(".")[2] for event in await space.published()} == {
        "apod",
        "neo",
        "launch",
    }
    assert await space.redis.xlen(EVENTS_DEAD.key) == 0


async def test_old_content_is_frozen(space: Space) -> None:
    """Upstreams that answer well and have nothing new for ten days are frozen."""
    for upstream in (space.nasa, space.launches):
        upstream.stale_by_s = 10 * 86_400
        upstream.fault = Fault.STALE
    statuses = await space.poll()
    assert statuses["apod"].state is statuses["launches"].state is SourceState.FROZEN
    assert "nothing newer than" in (statuses["apod"].reason or "")


async def test_calls_of_others_from_our_address_count(space: Space) -> None:
    """The library's own count is asked first: when it is used up, no call is made."""
    space.launches.other_calls = 15
    statuses = await space.poll()
    assert statuses["launches"].state is SourceState.BLOCKED
    assert "15 of 15 calls" in (statuses["launches"].reason or "")
    assert space.launches.log.per_path()[UPCOMING] == 0


async def test_the_next_page_is_asked_for_where_it_is_configured(space: Space) -> None:
    """Behind a proxy the link names another host: nobody goes there, and no page is lost."""
    space.launches.next_host = "elsewhere.example"
    statuses = await space.poll()
    assert statuses["launches"].state is SourceState.OK
    assert space.launches.log.per_path()[UPCOMING] == 3
    launches = [event for event in await space.published() if "launch" in event.type]
    assert len(launches) == len(space.launches.shown(hide_recent_previous=False))
    assert await space.redis.xlen(EVENTS_DEAD.key) == 0


async def test_a_link_that_leads_nowhere_is_trouble(space: Space) -> None:
    """The launches of the first page are taken, and the state says that others are missing."""
    honest = space.launches.answer

    async def lost(request: Any, path: str) -> Answer:
        answer = await honest(request, path)
        if path != UPCOMING:
            return answer
        return json_answer(json.loads(answer.body) | {"next": "https://\ud800/next"})

    space.launches.answer = lost  # type: ignore[method-assign]
    status = (await space.poll())["launches"]
    assert status.state is SourceState.FAILING
    assert "next: expected a link to another page" in (status.reason or "")
    launches = [event for event in await space.published() if "launch" in event.type]
    assert len(launches) == 100
    letters: Any = await space.redis.xrange(EVENTS_DEAD.key)
    assert [fields[b"reason"][:21] for _, fields in letters] == [b"next: expected a link"]


async def test_more_launches_than_a_poll_reads_are_trouble(space: Space) -> None:
    """The nearest eight hundred are there, and the state says that the others are not."""
    first = space.launches.launches[-1]
    space.launches.launches += [first | {"id": f"more-{index}"} for index in range(600)]
    status = (await space.poll())["launches"]
    assert status.state is SourceState.FAILING
    assert "more than 8 pages of 100 launches" in (status.reason or "")
    launches = [event for event in await space.published() if "launch" in event.type]
    assert len(launches) == 800


@pytest.mark.parametrize(
    "broken", [Answer(b"", 500, "text/html"), Answer(b"<html>", 200, "text/html")]
)
async def test_a_later_page_that_fails_leaves_the_launches_of_the_first(
    redis: Redis, valkey_url: str, broken: Answer
) -> None:
    """They are published, the reason says what is missing, and the calls of the hour are kept."""
    async with simulated(redis, valkey_url) as space:
        honest = space.launches.answer

        async def second_fails(request: Any, path: str) -> Answer:
            return broken if request.query.get("offset") == "100" else await honest(request, path)

        space.launches.answer = second_fails  # type: ignore[method-assign]
        status = (await space.poll())["launches"]
        launches = [event for event in await space.published() if "launch" in event.type]
        assert len(launches) == 100
        assert status.state is SourceState.FAILING
        assert "launchlibrary" in (status.reason or "")
        assert space.launches.log.per_path()[UPCOMING] == 2
        assert status.last_live == status.last_attempt
        assert status.next_poll - status.last_attempt >= timedelta(minutes=20)
        assert await redis.xlen(EVENTS_DEAD.key) == (broken.status == 200)
        space.launches.answer = honest  # type: ignore[method-assign]
        assert (await space.poll(["launches"]))["launches"].state is SourceState.OK
