"""The two archives' ways of answering, each with its bounds."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from libs.common.clock import SystemClock
from libs.common.errors import (
    AccessRefusedError,
    BodyRejectedError,
    BudgetExhaustedError,
    RateLimitedError,
    RequestRejectedError,
    ServerFaultError,
    UpstreamError,
    UpstreamTimeoutError,
)
from libs.common.polling.budget import Budget, Limit
from libs.common.polling.fence import Fence
from libs.common.polling.providers import Reading
from libs.common.upstream.client import ClientOptions, UpstreamClient
from services.ingest_jwst.crawl import Crawl, CrawlOptions
from services.ingest_jwst.progress import Progress
from services.ingest_jwst.providers.jwstapi import KEY_HEADER, PAGE_SIZE, JwstApi, PageProgress
from services.ingest_jwst.providers.mast import Mast, MastOptions
from tests.integration.jwst import Clock
from tests.upstreams import jwstapi, mast
from tests.upstreams.base import Answer, Simulator, json_answer
from tests.upstreams.faults import Fault
from tests.upstreams.server import running

DAY = timedelta(days=1)
CRAWL = CrawlOptions(step=30 * DAY, overlap=3 * DAY, history=90 * DAY)
GENEROUS = (Limit(calls=1_000, period_s=1.0),)


@pytest_asyncio.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    """Give a client of an empty Valkey."""
    client = Redis.from_url(valkey_url)
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Give an HTTP session."""
    async with aiohttp.ClientSession() as client:
        yield client


@pytest_asyncio.fixture
async def archive() -> AsyncIterator[mast.Mast]:
    """Give MAST with 100 days of releases."""
    async with running(mast.Mast(count=200)) as simulator:
        yield simulator


@pytest_asyncio.fixture
async def catalogue() -> AsyncIterator[jwstapi.JwstApi]:
    """Give jwstapi.com with three pages."""
    async with running(jwstapi.JwstApi(count=200)) as simulator:
        yield simulator


def client(
    session: aiohttp.ClientSession,
    redis: Redis,
    simulator: Simulator,
    *,
    headers: Mapping[str, str] | None = None,
    limits: tuple[Limit, ...] = GENEROUS,
) -> UpstreamClient:
    """Return a client of a simulator."""
    return UpstreamClient(
        session,
        base_url=simulator.url,
        budget=Budget(redis, upstream=simulator.name, limits=limits),
        options=ClientOptions(timeout_s=10, headers=headers or {}),
        clock=SystemClock(),
    )


def mast_provider(
    session: aiohttp.ClientSession, redis: Redis, archive: mast.Mast, **options: Any
) -> Mast:
    """Return the provider, with pauses that nobody notices."""
    clock = options.pop("clock", SystemClock())
    bounds: dict[str, Any] = {"crawl": CRAWL, "repeat_s": 0.001} | options
    progress = Progress(Fence(redis, "jwst"), "mast", Crawl())
    return Mast(client(session, redis, archive), progress, MastOptions(**bounds), clock)


def jwstapi_provider(
    session: aiohttp.ClientSession, redis: Redis, catalogue: jwstapi.JwstApi, max_pages: int = 9
) -> JwstApi:
    """Return the provider with the right key."""
    progress = Progress(Fence(redis, "jwst"), "jwstapi.com", PageProgress())
    caller = client(session, redis, catalogue, headers={KEY_HEADER: jwstapi.KEY})
    return JwstApi(caller, progress, max_pages)


async def test_executing_means_the_same_question_again(
    session: aiohttp.ClientSession, redis: Redis, archive: mast.Mast
) -> None:
    """It is repeated as it was until there is an answer."""
    archive.executing = 3
    reading = await mast_provider(session, redis, archive, pages_per_poll=1).poll()
    assert reading.events
    assert len(archive.requests) == 4
    assert all(request == archive.requests[0] for request in archive.requests)
    assert {call.method for call in archive.log.calls} == {"POST"}


async def test_executing_for_ever_is_given_up(
    session: aiohttp.ClientSession, redis: Redis, archive: mast.Mast
) -> None:
    """After the bound it is a timeout, and the calls are counted."""
    archive.executing = 1_000
    with pytest.raises(UpstreamTimeoutError, match="still executing"):
        await mast_provider(session, redis, archive, repeats=2).poll()
    assert archive.calls == 3


async def test_an_error_is_told_in_masts_words(
    session: aiohttp.ClientSession, redis: Redis, archive: mast.Mast
) -> None:
    """ERROR comes with status 200, and its text is the reason."""
    archive.error_message = "Column <b>t_obs</b> is not there"
    with pytest.raises(RequestRejectedError, match="Column t_obs is not there"):
        await mast_provider(session, redis, archive).poll()


async def test_a_page_size_is_always_sent_and_every_page_is_read(
    session: aiohttp.ClientSession, redis: Redis, archive: mast.Mast
) -> None:
    """Small pages give the same images as large ones, none of another mission, none exclusive."""
    small = await mast_provider(session, redis, archive, page_size=7, pages_per_poll=99).poll()
    large = await mast_provider(session, redis, archive, pages_per_poll=99).poll()
    assert {event.id for event in small.events} == {event.id for event in large.events}
    assert {request["pagesize"] for request in archive.requests} == {7, 250}
    since = archive.clock() - 90 * 86_400
    assert len(large.events) == len(archive.public_rows(since_s=since))


async def test_rows_that_were_not_asked_for_are_left_out(
    session: aiohttp.ClientSession, redis: Redis, archive: mast.Mast
) -> None:
    """When MAST ignores the filters, only what was asked for is taken from its table."""
    honest = await mast_provider(session, redis, archive, pages_per_poll=1).poll()
    archive.ignores_filters = True
    careless = await mast_provider(session, redis, archive, pages_per_poll=1).poll()
    assert {event.id for event in careless.events} == {event.id for event in honest.events}
    assert not careless.rejects


async def test_a_page_of_nothing_but_other_rows_says_so(
    session: aiohttp.ClientSession, redis: Redis
) -> None:
    """The whole table is not paged through in search of ours."""
    async with running(mast.Mast(count=0)) as archive:
        archive.ignores_filters = True
        with pytest.raises(RequestRejectedError, match="ignored what was asked"):
            await mast_provider(session, redis, archive).poll()
        # Only the next span is tried, in case that something is wrong with the first.
        assert archive.calls == 2


async def test_a_crawl_goes_on_where_published_data_end(
    session: aiohttp.ClientSession, redis: Redis, archive: mast.Mast
) -> None:
    """A process that dies before its events are published costs a repetition and no image."""
    first = await mast_provider(session, redis, archive, pages_per_poll=1).poll()
    again = await mast_provider(session, redis, archive, pages_per_poll=1).poll()
    assert [event.id for event in again.events] == [event.id for event in first.events]
    assert again.settle
    await again.settle()
    onward = await mast_provider(session, redis, archive, pages_per_poll=2).poll()
    assert {event.id for event in onward.events} - {event.id for event in first.events}


async def test_what_is_left_of_the_history_is_asked_for_soon(
    session: aiohttp.ClientSession, redis: Redis, archive: mast.Mast
) -> None:
    """A year is not read at one piece an hour; once all is read, the period holds."""
    provider = mast_provider(session, redis, archive, pages_per_poll=2)
    images: set[str | None] = set()
    pauses: list[timedelta | None] = []
    while not pauses or pauses[-1]:
        reading = await provider.poll()
        assert reading.settle
        await reading.settle()
        images |= {event.subject for event in reading.events}
        pauses.append(reading.more_in)
    since = time.time() - CRAWL.history.total_seconds()
    assert len(images) == len(archive.public_rows(since_s=since))
    assert pauses == [timedelta(seconds=10), None]


async def test_a_page_that_fails_leaves_the_others(
    session: aiohttp.ClientSession, redis: Redis, archive: mast.Mast
) -> None:
    """What was read counts, older spans and new images go on, and the trouble is told of."""
    whole = {
        event.id
        for event in (await mast_provider(session, redis, archive, pages_per_poll=99).poll()).events
    }
    honest, failing = archive.answer, True

    async def second_span_fails(request: Any, path: str) -> Any:
        good = await honest(request, path)
        (span,) = archive.requests[-1]["params"]["filters"][-1]["values"]
        middle = mast.mjd(time.time()) - 45
        return archive.error(500, "") if failing and span["min"] < middle < span["max"] else good

    archive.answer = second_span_fails  # type: ignore[method-assign]
    clock = Clock()
    provider = mast_provider(session, redis, archive, clock=clock)
    read: set[Any] = set()
    archive.requests.clear()
    reading = Reading(())
    for _ in range(4):
        reading = await provider.poll()
        assert reading.settle
        await reading.settle()
        assert "500" in str(reading.trouble)
        read |= {event.id for event in reading.events}
    assert reading.more_in
    assert reading.more_in > timedelta(minutes=1)
    # The newest each time; the span that fails once, and the older one.
    assert len(archive.requests) == 4 + 1 + 1
    assert read < whole
    for _ in range(5):
        clock.ahead += timedelta(hours=3)
        reading = await provider.poll()
        assert reading.settle
        await reading.settle()
    # It rests for longer than the period by now, which the newest images do not wait for.
    assert reading.more_in is None
    assert "failed 6 times" in str(reading.trouble)
    failing = False
    clock.ahead += timedelta(hours=6)
    reading = await provider.poll()
    assert reading.trouble is None
    assert read | {event.id for event in reading.events} == whole


async def test_a_first_page_that_fails_does_not_stop_the_crawl(
    session: aiohttp.ClientSession, redis: Redis, archive: mast.Mast
) -> None:
    """Where the newest cannot be had, the older ones can."""
    honest = archive.answer

    async def newest_fails(request: Any, path: str) -> Any:
        good = await honest(request, path)
        (span,) = archive.requests[-1]["params"]["filters"][-1]["values"]
        return archive.error(500, "") if span["max"] > mast.mjd(time.time()) - 1 else good

    archive.answer = newest_fails  # type: ignore[method-assign]
    reading = await mast_provider(session, redis, archive).poll()
    assert reading.events
    assert isinstance(reading.trouble, UpstreamError)


@pytest.mark.parametrize("column", ["obs_id", "t_obs_release"])
async def test_one_bad_row_alone_on_its_page_is_a_reject(
    session: aiohttp.ClientSession, redis: Redis, column: str
) -> None:
    """The crawl goes on behind it, to the end of the history."""

    class Spoilt(mast.Mast):
        def _page(self, asked: Any, filters: Any) -> Answer:
            answer = super()._page(asked, filters)
            body = json.loads(answer.body)
            for row in body["data"]:
                if row["target_name"] == bad["target_name"]:
                    row[column] = None
            return json_answer(body)

    async with running(Spoilt(count=4, apart_s=25 * 86_400.0)) as archive:
        bad = archive.row(2)
        provider = mast_provider(session, redis, archive)
        reading = await provider.poll()
        assert len(reading.events) == 3
        assert [reject.reason.partition(":")[0] for reject in reading.rejects] == [column]
        assert bad["target_name"].encode() in reading.rejects[0].body
        assert (reading.more_in, reading.trouble) == (None, None)


async def test_the_budget_ends_a_poll_not_the_source(
    session: aiohttp.ClientSession, redis: Redis, archive: mast.Mast
) -> None:
    """What the allowed calls gave is taken; with none allowed it is trouble."""
    progress = Progress(Fence(redis, "jwst"), "mast", Crawl())
    caller = client(session, redis, archive, limits=(Limit(calls=2, period_s=3_600.0),))
    provider = Mast(caller, progress, MastOptions(CRAWL), SystemClock())
    assert (await provider.poll()).events
    with pytest.raises(BudgetExhaustedError):
        await provider.poll()
    assert archive.calls == 2


async def test_jwstapis_pages_end_with_an_empty_one(
    session: aiohttp.ClientSession, redis: Redis, catalogue: jwstapi.JwstApi
) -> None:
    """Pages count from 1; after the empty one the next poll begins again."""
    provider = jwstapi_provider(session, redis, catalogue)
    reading = await provider.poll()
    assert len(reading.events) == catalogue.count
    assert not reading.rejects
    assert [call.query for call in catalogue.log.calls] == [
        f"page={page}&perPage={PAGE_SIZE}" for page in (1, 2, 3, 4)
    ]
    assert reading.settle
    await reading.settle()
    assert [event.id for event in (await provider.poll()).events] == [
        event.id for event in reading.events
    ]


async def test_jwstapis_pages_are_bounded(
    session: aiohttp.ClientSession, redis: Redis, catalogue: jwstapi.JwstApi
) -> None:
    """No more pages than the setting says, however long the catalogue is."""
    await jwstapi_provider(session, redis, catalogue, max_pages=2).poll()
    assert catalogue.calls == 2


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AccessRefusedError),
        (403, AccessRefusedError),
        (404, RequestRejectedError),
        (429, RateLimitedError),
        (502, ServerFaultError),
    ],
)
async def test_the_status_in_the_envelope_counts(
    session: aiohttp.ClientSession,
    redis: Redis,
    catalogue: jwstapi.JwstApi,
    status: int,
    error: type[Exception],
) -> None:
    """HTTP says 200; what the envelope says is what happened."""
    catalogue.envelope_status = status
    with pytest.raises(error, match=str(status)):
        await jwstapi_provider(session, redis, catalogue).poll()


async def test_a_429_in_the_envelope_closes_the_budget(
    session: aiohttp.ClientSession, redis: Redis, catalogue: jwstapi.JwstApi
) -> None:
    """The next call is not made."""
    catalogue.envelope_status = 429
    provider = jwstapi_provider(session, redis, catalogue)
    with pytest.raises(RateLimitedError):
        await provider.poll()
    with pytest.raises(BudgetExhaustedError):
        await provider.poll()
    assert catalogue.calls == 1


async def test_an_empty_catalogue_is_none(session: aiohttp.ClientSession, redis: Redis) -> None:
    """An archive without one image has lost them; MAST stands in."""
    async with running(jwstapi.JwstApi(count=0)) as catalogue:
        with pytest.raises(BodyRejectedError, match="not one image"):
            await jwstapi_provider(session, redis, catalogue).poll()


@pytest.mark.parametrize("fault", [Fault.MISSING_KEYS, Fault.NULL_VALUES])
async def test_a_page_without_one_readable_record_is_refused(
    session: aiohttp.ClientSession, redis: Redis, catalogue: jwstapi.JwstApi, fault: Fault
) -> None:
    """It is no success that nothing could be read; every record is kept for looking at."""
    catalogue.fault = fault
    with pytest.raises(BodyRejectedError, match="none of") as caught:
        await jwstapi_provider(session, redis, catalogue).poll()
    assert b"jw02731" in caught.value.body
    assert len(caught.value.rejects) == PAGE_SIZE


async def test_a_page_of_jwstapi_that_fails_is_left_out_for_this_round(
    session: aiohttp.ClientSession, redis: Redis
) -> None:
    """The pages behind it are read, and it is the source's trouble until it is read itself."""

    class Spoilt(jwstapi.JwstApi):
        async def answer(self, request: Any, path: str) -> Answer:
            if failing and request.query["page"] == "2":
                return self.error(500, "no")
            return await super().answer(request, path)

    failing = True
    async with running(Spoilt(count=200)) as catalogue:
        provider = jwstapi_provider(session, redis, catalogue)
        first = await provider.poll()
        assert [call.query[:6] for call in catalogue.log.calls] == [f"page={n}" for n in "1234"]
        assert 100 < len(first.events) < catalogue.count
        assert "page 2 failed" in str(first.trouble)
        assert first.settle
        await first.settle()
        failing = False
        second = await provider.poll()
        assert len(second.events) == catalogue.count
        assert second.trouble is None
