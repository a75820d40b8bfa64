"""The catalogue is fetched whole, kept current with the least possible, and never lost."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import structlog

from libs.common.polling.source_state import SourceState
from services.ingest_osdr.providers.osdr import CONCURRENCY, PART
from services.ingest_osdr.providers.shipped import shipped_events
from services.ingest_osdr.shipped_datasets import SHIPPED_DATASETS
from tests.integration.osdr import NOBODY, PATIENCE_S, World, osdr_world, stored
from tests.upstreams.osdr_studies import Studies
from tests.waiting import wait_until

COUNT = 30


@pytest_asyncio.fixture
async def world(valkey_url: str) -> AsyncIterator[World]:
    """Both upstreams with more studies than one page of the search has."""
    async with osdr_world(valkey_url, COUNT) as whole:
        yield whole


def details(world: World) -> list[str]:
    """Return the accessions whose detail was asked for, in order."""
    paths = [call.path.strip("/").split("/") for call in world.osdr.log.calls]
    return [path[1] for path in paths if path[0] == "dataset"]


async def test_the_database_holds_what_the_upstreams_hold(world: World, database_url: str) -> None:
    """One crawl, one event per study, one row per study, each value equal to the upstreams'."""
    events = await world.crawl()
    assert sorted(details(world)) == sorted(world.studies.accessions)
    assert world.osdr.log.max_in_flight <= CONCURRENCY
    rows = await stored(
        database_url,
        events,
        "SELECT number, accession, title, organisms, factors, release_date, missions, raw, origin"
        " FROM osdr_datasets ORDER BY number",
    )
    assert [row[0] for row in rows] == world.studies.numbers
    for number, accession, title, organisms, factors, released, missions, raw, origin in rows:
        metadata = world.studies.metadata(number)
        first, _ = world.studies.flight_days(number)
        organism = metadata["organism"]
        assert accession == f"OSD-{number}"
        assert title == metadata["study title"]
        assert organisms == (organism if isinstance(organism, list) else [organism])
        assert len(factors) == 3
        assert released == world.studies.release_date(number).date()
        assert raw == world.osdr.detail(accession)
        assert origin == "live"
        if world.studies.flies(number):
            assert missions[0]["start"] == first.date().isoformat()
        else:
            assert missions == []


async def test_the_earlier_systems_find_their_table(world: World, database_url: str) -> None:
    """`osdr_items` has a stable integer, the time of storing once, and the body as received."""
    events = await world.crawl()
    query = "SELECT id, dataset_id, title, status, inserted_at, raw FROM osdr_items ORDER BY id"
    before = await stored(database_url, events, query)
    world.studies.revise(world.studies.numbers[0])
    after = await stored(database_url, await world.crawl(), query)
    assert before[0][:4] == (1, "OSD-1", "Study 1 of simulated flies", None)
    assert after[0][2] == "Study 1 of simulated flies, revision 1"
    assert [(row[0], row[1], row[4]) for row in after] == [
        (row[0], row[1], row[4]) for row in before
    ]


async def test_an_unchanged_catalogue_publishes_nothing(world: World) -> None:
    """The second crawl makes one conditional request per study, and no event."""
    assert len(await world.crawl()) == COUNT
    assert await world.crawl() == []
    assert world.osdr.conditional == world.osdr.not_modified == COUNT
    assert len(details(world)) == 2 * COUNT


async def test_an_upstream_without_validators_publishes_nothing_twice(world: World) -> None:
    """Where no request can be conditional, the content is compared."""
    world.osdr.with_validators = False
    assert len(await world.crawl()) == COUNT
    assert await world.crawl() == []


async def test_a_changed_study_is_one_event(world: World) -> None:
    """A new title, or a new release date in the search alone, publishes that study."""
    await world.crawl()
    revised, released = world.studies.numbers[3], world.studies.numbers[5]
    world.studies.revise(revised)
    world.studies.released[released] = world.studies.release_date(1) + timedelta(days=5_000)
    events = await world.crawl()
    assert [event.data.number for event in events] == [revised, released]
    assert events[0].data.title.endswith("revision 1")
    assert events[1].data.release_date == world.studies.release_date(released).date()
    assert await world.crawl() == []


async def test_new_studies_appear_and_withdrawn_ones_stay(world: World) -> None:
    """The catalogue grows by an event; what is gone from the listing is not asked for."""
    await world.crawl()
    gone = world.studies.numbers.pop(0)
    world.studies.numbers.append(1_150)
    events = await world.crawl()
    assert [event.data.accession for event in events] == ["OSD-1150"]
    assert details(world).count(f"OSD-{gone}") == 1


async def test_a_crawl_goes_on_where_it_stopped(world: World) -> None:
    """A service that is stopped in the middle, and started again, asks for the rest alone."""
    async with world.service():
        await wait_until(lambda: len(details(world)) >= COUNT // 4, PATIENCE_S, "a part of it")
    # On a machine that hesitates here it may have been all of it.
    assert 0 < len(await world.published()) <= COUNT
    async with world.service():
        await world.wait_for_crawl()
    assert len(await world.published()) == COUNT
    assert sorted(details(world)) == sorted(world.studies.accessions)
    assert world.osdr.log.per_path()["/datasets/"] == 1


@pytest.mark.parametrize("counts", ["pages", "pages from 1", "hits"])
async def test_the_search_is_read_whole_whatever_from_counts(world: World, counts: Any) -> None:
    """Every study has its release date."""
    world.search.counts = counts
    events = await world.crawl()
    assert {event.data.number: event.data.release_date for event in events} == {
        number: world.studies.release_date(number).date() for number in world.studies.numbers
    }


async def test_without_the_search_there_are_datasets_without_dates(world: World) -> None:
    """The catalogue does not wait for the other host; dates come with the next crawl."""
    events = await world.crawl(osdr_search_url=NOBODY)
    assert len(events) == COUNT
    assert {event.data.release_date for event in events} == {None}
    assert len(await world.crawl()) == COUNT


async def test_a_search_that_fails_is_seen_until_one_succeeds(world: World) -> None:
    """The reason outlives crawls, their listings and a restart; the log has it once."""
    with structlog.testing.capture_logs() as log:
        async with world.service(osdr_search_url=NOBODY, CASSIOPEIA_OSDR_POLL_SECONDS=1):
            await wait_until(
                lambda: world.osdr.log.per_path()["/datasets/"] >= 3, PATIENCE_S, "three crawls"
            )
    assert [line["event"] for line in log if line["log_level"] == "warning"] == ["source_degraded"]
    # The schedule is what is deleted here; what the search failed with stays.
    await world.redis.delete("cassiopeia:source:{osdr}:status")
    async with world.service(osdr_search_url=NOBODY):
        status = await world.wait_for_state(SourceState.FAILING)
    assert "the study search failed: " in (status.reason or "")
    # The one under way, which is past its search, and then a whole one.
    for _ in range(2):
        await world.crawl()
    await world.wait_for_state(SourceState.OK)


async def test_one_study_that_always_fails_holds_nothing_up(world: World) -> None:
    """It is tried three times, given up for this crawl, and tried again in the next."""
    broken = world.studies.accessions[4]
    world.osdr.broken.add(broken)
    events = await world.crawl()
    assert {event.data.accession for event in events} == {*world.studies.accessions} - {broken}
    assert details(world).count(broken) == 3
    await world.wait_for_state(SourceState.OK)
    world.osdr.broken.clear()
    assert [event.data.accession for event in await world.crawl()] == [broken]


async def test_without_network_the_snapshot_is_shown_until_there_is_better(
    world: World, database_url: str
) -> None:
    """The shipped studies come at once and say what they are; the first live ones replace them."""
    async with world.service(CASSIOPEIA_OSDR_URL=NOBODY, osdr_search_url=NOBODY):
        await wait_until(
            lambda: _has(world, len(SHIPPED_DATASETS)), PATIENCE_S, "the shipped studies"
        )
        status = await world.wait_for_state(SourceState.FAILING)
        assert (status.provider, status.origin) == ("shipped", "snapshot")
        assert "osdr: " in (status.reason or "")
    query = "SELECT accession, origin FROM osdr_datasets ORDER BY number"
    shipped = await stored(database_url, await world.published(), query)
    assert {origin for _, origin in shipped} == {"snapshot"}
    live = dict(await stored(database_url, await world.crawl(), query))
    assert {live[accession] for accession in world.studies.accessions} == {"live"}
    status = await world.wait_for_state(SourceState.OK)
    assert (status.provider, status.origin) == ("osdr", "live")
    # Even where the broker has forgotten everything, the snapshot is older than what is stored.
    again = dict(await stored(database_url, shipped_events(), query))
    assert again == live


async def _has(world: World, count: int) -> bool:
    return len(await world.published()) >= count


async def test_a_stand_in_with_nothing_to_add_changes_no_provider(world: World) -> None:
    """When the repository fails later, the data are still its own, and live."""
    await world.crawl()
    async with world.service(CASSIOPEIA_OSDR_URL=NOBODY, CASSIOPEIA_OSDR_POLL_SECONDS=1):
        status = await world.wait_for_state(SourceState.FAILING)
    assert (status.provider, status.origin) == ("osdr", "live")
    assert len(await world.published()) == COUNT


def test_a_part_fits_the_concurrency() -> None:
    """A part is more than what is under way together, and the catalogue more than a part."""
    assert CONCURRENCY < PART < len(Studies.of(COUNT).numbers)
