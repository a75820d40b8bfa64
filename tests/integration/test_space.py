"""ingest_space from its upstreams to the rows, and what it does when they fail."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.common.broker import connect
from libs.common.polling.source_state import SourceState
from libs.common.topology import EVENTS_DEAD
from tests.integration.space import KEY, NOWHERE, SOURCES, TOKEN, Space, settings, simulated, stored
from tests.upstreams.faults import Fault
from tests.upstreams.launchlibrary import UPCOMING, LaunchLibrary
from tests.upstreams.nasa import Nasa
from tests.upstreams.nasa_records import NEOS_PER_DAY

_BLOCKING = {Fault.TOO_MANY_429, Fault.TOO_MANY_429_RETRY_AFTER, Fault.FORBIDDEN_403}
# Content that is old, which a single poll cannot tell from content that rests.
_OF_CONTENT = {Fault.STALE, Fault.FROZEN}
_FAULTS = sorted(set(Fault) - Nasa.inapplicable - LaunchLibrary.inapplicable - _OF_CONTENT)


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    """A client on an empty server."""
    client = connect(valkey_url, "test")
    yield client
    await client.aclose()


@pytest.fixture
async def space(redis: Redis, valkey_url: str) -> AsyncIterator[Space]:
    """The service beside healthy upstreams."""
    async with simulated(redis, valkey_url) as running:
        yield running


async def test_rows_are_what_the_upstreams_hold(space: Space, database_url: str) -> None:
    """Every record of every upstream becomes one row that says the same."""
    statuses = await space.poll()
    assert {name: status.state for name, status in statuses.items()} == dict.fromkeys(
        SOURCES, SourceState.OK
    )
    assert {status.origin for status in statuses.values()} == {"live"}
    events = await space.published()
    today = space.nasa.today

    rows = await stored(database_url, events, "SELECT * FROM space_apod")
    picture = space.nasa.picture(today)
    assert [(row["picture_date"], row["title"]) for row in rows] == [(today, picture["title"])]
    assert rows[0]["upstream_body"] == picture

    rows = await stored(database_url, [], "SELECT * FROM space_neo")
    passages = {
        record["id"]: record["close_approach_data"][0]
        for day in (today - timedelta(days=2), today - timedelta(days=1), today)
        for record in space.nasa.objects(day)
    }
    assert len(rows) == len(passages) == 3 * NEOS_PER_DAY
    for row in rows:
        passage = passages[row["neo_id"]]
        assert row["miss_distance_km"] == float(passage["miss_distance"]["kilometers"])
        assert row["approach_time"].timestamp() * 1_000 == passage["epoch_date_close_approach"]

    first = today - timedelta(days=5)
    rows = await stored(database_url, [], "SELECT * FROM space_flares ORDER BY begin_time")
    assert [row["upstream_body"] for row in rows] == space.nasa.flares(first, today)
    assert rows[0]["instruments"] == ["GOES-P: EXIS 1.0-8.0"]

    rows = await stored(database_url, [], "SELECT * FROM space_cmes ORDER BY start_time")
    assert [row["upstream_body"] for row in rows] == space.nasa.ejections(first, today)

    rows = await stored(database_url, [], "SELECT * FROM space_launches ORDER BY net")
    held = space.launches.shown(hide_recent_previous=False)
    assert [row["upstream_body"] for row in rows] == held
    assert [row["launch_id"] for row in rows] == [record["id"] for record in held]


async def test_what_has_not_changed_is_not_published_again(space: Space) -> None:
    """A second sync of the same content makes no event, in any order of the records."""
    await space.poll()
    before = await space.published()
    space.launches.launches.reverse()
    statuses = await space.poll()
    assert {status.state for status in statuses.values()} == {SourceState.OK}
    assert await space.published() == before


async def test_a_revision_updates_its_row(space: Space, database_url: str) -> None:
    """A flare that ended meanwhile is one more event and the same row."""
    await space.poll()
    before = await space.published()
    today = space.nasa.today
    flare = space.nasa.flares(today, today)[1]
    ended = f"{today.isoformat()}T23:10Z"
    space.nasa.revisions[flare["flrID"]] = {"endTime": ended, "versionId": 2}
    await space.poll()
    after = await space.published()
    assert [event.subject for event in after[len(before) :]] == [flare["flrID"]]
    rows = await stored(database_url, after, "SELECT * FROM space_flares")
    rows = [row for row in rows if row["flare_id"] == flare["flrID"]]
    assert [(row["version"], row["end_time"].isoformat()) for row in rows] == [
        (2, ended.replace("Z", ":00+00:00"))
    ]


@pytest.mark.parametrize("fault", _FAULTS)
async def test_a_fault_keeps_what_there_is_and_ends(space: Space, fault: Fault) -> None:
    """State and reason tell of the fault, nothing is published, and recovery is complete."""
    await space.poll()
    before = await space.published()
    for upstream in (space.nasa, space.launches):
        upstream.fault = fault
        upstream.retry_after_s = 1
        upstream.huge_body_bytes = 12_000_000
    statuses = await space.poll()
    state = SourceState.BLOCKED if fault in _BLOCKING else SourceState.FAILING
    # The four of api.nasa.gov share the refusal that one of them got.
    assert {name: status.state for name, status in statuses.items()} == dict.fromkeys(
        SOURCES, state
    )
    for status in statuses.values():
        assert status.reason
        assert status.last_success
        assert status.last_success < status.last_attempt
    assert await space.published() == before
    space.nasa.fault = space.launches.fault = None
    # The limits are counted by the broker's clock, which nobody moves.
    for name in ("api.nasa.gov", "launchlibrary", "launchlibrary/throttle"):
        await space.redis.delete(f"cassiopeia:upstream:{{{name}}}:blocked")
    statuses = await space.poll()
    assert {status.state for status in statuses.values()} == {SourceState.OK}


async def test_without_network_it_says_so(redis: Redis, valkey_url: str) -> None:
    """Nothing stands in: each source fails with the reason, and has no data."""
    async with simulated(redis, valkey_url, nasa_url=NOWHERE, launchlibrary_url=NOWHERE) as space:
        statuses = await space.poll()
        assert await space.published() == []
    for status in statuses.values():
        assert status.state is SourceState.FAILING
        assert status.provider is None
        assert status.last_success is None
        assert "127.0.0.1" in (status.reason or "")


async def test_no_key_is_written_anywhere(space: Space) -> None:
    """Key and token are in headers only, and in nothing that the broker holds."""
    await space.poll()
    assert space.nasa.keys_in_urls == 0
    space.nasa.key = "another"
    statuses = await space.poll()
    assert statuses["apod"].state is SourceState.BLOCKED
    assert "API_KEY_INVALID" in (statuses["apod"].reason or "")
    # A record without its vital field goes to the dead letters, link and all.
    space.nasa.key = None
    space.nasa.fault = Fault.NULL_VALUES
    await space.poll()
    assert await space.redis.xlen(EVENTS_DEAD.key) > 0
    held = await _everything(space.redis)
    for secret in (KEY, TOKEN):
        assert secret.encode() not in held


async def test_what_cannot_be_read_goes_to_the_dead_letters(space: Space) -> None:
    """One bad record costs itself: the rest of its page is taken."""
    today = space.nasa.today
    flare = space.nasa.flares(today, today)[0]["flrID"]
    space.nasa.revisions[flare] = {"beginTime": "soon"}
    space.launches.launches[7]["name"] = None
    statuses = await space.poll()
    assert {status.state for status in statuses.values()} == {SourceState.OK}
    held = space.launches.shown(hide_recent_previous=False)
    counts = Counter(event.type for event in await space.published())
    assert counts["cassiopeia.space.flare.v1"] == 11
    assert counts["cassiopeia.space.launch.v1"] == len(held) - 1
    letters: Any = await space.redis.xrange(EVENTS_DEAD.key)
    reasons = {fields[b"source"]: fields[b"reason"] for _, fields in letters}
    assert reasons == {
        b"flares": b"beginTime: expected a time, got 'soon'",
        b"launches": b"name: expected text, got None",
    }


async def test_the_launch_library_is_never_asked_too_often(space: Space) -> None:
    """Polls of three pages stop at its fifteen calls, over restarts, and say why."""
    for _ in range(5):
        await space.poll()
    statuses = await space.poll()
    assert statuses["launches"].state is SourceState.BLOCKED
    assert "limit of launchlibrary" in (statuses["launches"].reason or "")
    assert space.launches.log.per_path()[UPCOMING] == 15


async def test_the_view_of_the_earlier_systems(space: Space, database_url: str) -> None:
    """`space_cache` has a row per source, with the bodies as they were kept before."""
    await space.poll()
    query = "SELECT *, (now() AT TIME ZONE 'UTC')::date AS today FROM space_cache"
    rows = await stored(database_url, await space.published(), query)
    by_source = {row["source"]: row for row in rows}
    assert by_source.keys() == {"apod", "neo", "flr", "cme", "spacex"}
    today = rows[0]["today"]
    assert by_source["apod"]["payload"] == space.nasa.picture(space.nasa.today)
    feed = by_source["neo"]["payload"]
    assert max(feed["near_earth_objects"]) <= today.isoformat()
    assert feed["element_count"] == sum(map(len, feed["near_earth_objects"].values()))
    for source, held in (("flr", space.nasa.flares), ("cme", space.nasa.ejections)):
        expected = held(today - timedelta(days=5), min(today, space.nasa.today))
        assert by_source[source]["payload"] == expected
    launch = by_source["spacex"]["payload"]
    assert launch["launch_service_provider"]["name"] == "SpaceX"
    for row in rows:
        assert row["id"] == round(row["fetched_at"].timestamp() * 1_000_000)


async def _everything(redis: Redis) -> bytes:
    """Return all that the broker holds, as its dumps."""
    keys: Any = await redis.keys("*")
    parts = []
    for key in keys:
        kind: Any = await redis.type(key)
        value: Any
        match kind:
            case b"string":
                value = await redis.get(key)
            case b"hash":
                value = await redis.hgetall(key)
            case b"stream":
                value = await redis.xrange(key)
            case _:
                value = await redis.dump(key)
        parts.append(repr(value).encode())
    return b"".join(parts)


def test_the_settings_of_these_tests_call_nobody(valkey_url: str) -> None:
    """Without simulators, no address is a real one."""
    chosen = settings(valkey_url)
    assert {chosen.nasa_url, chosen.launchlibrary_url} == {NOWHERE}
