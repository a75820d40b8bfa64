"""The repository fails in every way that it can: what is known stays, and the state says it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from libs.common.polling.source_state import SourceState
from services.ingest_osdr.providers.osdr import PART
from tests.integration.osdr import PATIENCE_S, World, osdr_world
from tests.upstreams.faults import Fault
from tests.upstreams.osdr import Osdr, OsdrSearch
from tests.waiting import wait_until

COUNT = 12
# What the source is called while each fault lasts, and what its reason says.
EXPECTED = {
    Fault.ERROR_500: (SourceState.FAILING, "osdr answered 500"),
    Fault.TOO_MANY_429: (SourceState.BLOCKED, "osdr"),
    Fault.TOO_MANY_429_RETRY_AFTER: (SourceState.BLOCKED, "osdr"),
    Fault.FORBIDDEN_403: (SourceState.BLOCKED, "osdr answered 403"),
    Fault.HTML_200: (SourceState.FAILING, "that is not JSON"),
    Fault.ERROR_OBJECT_200: (SourceState.FAILING, "expected an object of studies"),
    Fault.TRUNCATED_JSON: (SourceState.FAILING, "that is not JSON"),
    Fault.HUGE_BODY: (SourceState.FAILING, "sent more than 2097152 bytes"),
    Fault.HUGE_BODY_GZIP: (SourceState.FAILING, "sent more than 2097152 bytes"),
    Fault.HANG: (SourceState.FAILING, "did not answer within 1 s"),
    Fault.SLOW_BODY: (SourceState.FAILING, "did not answer within 1 s"),
    Fault.RESET: (SourceState.FAILING, "osdr: "),
    Fault.MISSING_KEYS: (SourceState.FAILING, "metadata: expected an object"),
    Fault.NULL_VALUES: (SourceState.FAILING, "metadata: expected an object"),
}
# These leave the listing whole.
IN_DETAILS = {Fault.MISSING_KEYS, Fault.NULL_VALUES}


@pytest_asyncio.fixture
async def world(valkey_url: str) -> AsyncIterator[World]:
    """Both upstreams, and a broker that has crawled them once."""
    async with osdr_world(valkey_url, COUNT) as whole:
        whole.osdr.retry_after_s = whole.search.retry_after_s = 1
        await whole.crawl()
        yield whole


def test_every_fault_that_applies_is_tried() -> None:
    """Nothing is forgotten here but the frozen catalogue, which is an unchanged one."""
    assert set(EXPECTED) == set(Fault) - Osdr.inapplicable - {Fault.FROZEN}


@pytest.mark.parametrize("fault", EXPECTED)
async def test_what_is_known_stays_and_the_state_says_why(world: World, fault: Fault) -> None:
    """No event while it lasts; the source is well again, and takes the change, when it is over."""
    revised = world.studies.numbers[2]
    world.osdr.fault = fault
    world.studies.revise(revised)
    await world.redis.delete("cassiopeia:source:{osdr}:status")
    async with world.service():
        state, reason = EXPECTED[fault]
        status = await world.wait_for_state(state)
        assert reason in (status.reason or "")
        assert len(await world.published()) == COUNT
        world.osdr.fault = None
        if fault is Fault.TOO_MANY_429:
            # Without Retry-After the budget stays closed for 30 s, which is not waited for here.
            await world.redis.delete("cassiopeia:upstream:{osdr}:blocked")
        await world.wait_for_state(SourceState.OK)
        await world.wait_for_crawl()
    events = (await world.published())[COUNT:]
    assert [event.data.number for event in events] == [revised]


async def test_a_frozen_catalogue_is_an_unchanged_one(world: World) -> None:
    """The same answers again publish nothing and trouble nobody."""
    world.osdr.fault = Fault.FROZEN
    assert await world.crawl() == []
    await world.wait_for_state(SourceState.OK)


@pytest.mark.parametrize("fault", sorted(IN_DETAILS | {Fault.HTML_200, Fault.TRUNCATED_JSON}))
async def test_bodies_that_are_none_are_kept_as_letters(world: World, fault: Fault) -> None:
    """With the reason and the bytes; the same body again makes no second letter."""
    world.osdr.fault = fault
    await world.redis.delete("cassiopeia:source:{osdr}:status")
    async with world.service():
        letters = await wait_until(world.letters, PATIENCE_S, "a letter")
    assert letters[0][b"source"] == b"osdr"
    assert EXPECTED[fault][1].encode() in letters[0][b"reason"]
    assert letters[0][b"body"]


async def test_every_body_of_a_part_that_fails_is_kept(world: World) -> None:
    """At the first try, before any study is asked for again."""
    world.osdr.fault = Fault.MISSING_KEYS
    await world.redis.delete("cassiopeia:source:{osdr}:status")
    # The next part comes in an hour.
    async with world.service(osdr_retry_seconds=3_600):
        await world.wait_for_state(SourceState.FAILING)
    assert len(await world.letters()) == PART


@pytest.mark.parametrize("fault", sorted(set(EXPECTED) - OsdrSearch.inapplicable))
async def test_the_search_may_fail_in_every_way(world: World, fault: Fault) -> None:
    """The facts of the last crawl hold, the catalogue is current, and the state says why."""
    world.search.fault = fault
    world.studies.revise(world.studies.numbers[2])
    events = await world.crawl()
    assert [event.data.number for event in events] == [world.studies.numbers[2]]
    assert events[0].data.release_date == world.studies.release_date(events[0].data.number).date()
    if fault in IN_DETAILS:
        await world.wait_for_state(SourceState.OK)
    else:
        status = await world.wait_for_state(SourceState.FAILING)
        assert "the study search failed: " in (status.reason or "")
