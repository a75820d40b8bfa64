"""ingest_astro end to end: computed events, confirmed ones, and an upstream that fails."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from libs.common.broker import text
from libs.common.events import AstroKind, Origin
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceRegistry
from services.ingest_astro.settings import IngestAstroSettings
from tests.integration.astro import World, astro_world
from tests.integration.repositories import execute, storing_into
from tests.upstreams.astronomyapi import AstronomyApi
from tests.upstreams.faults import Fault
from tests.upstreams.server import running
from tests.waiting import wait_until

# A place where the Moon of every eclipse is up at some time, and one on the other side.
PLACES = "Quito:-0.1807:-78.4678:2850,Singapore:1.3521:103.8198"
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
async def world(valkey_url: str) -> AsyncIterator[World]:
    """A broker for one test."""
    async with astro_world(valkey_url) as made:
        yield made


@pytest.fixture
async def api() -> AsyncIterator[AstronomyApi]:
    """An AstronomyAPI that answers."""
    async with running(AstronomyApi()) as simulator:
        yield simulator


def credentials(api: AstronomyApi, **changes: Any) -> dict[str, Any]:
    """Return the settings with which the service asks the upstream."""
    return {
        "astro_observers": PLACES,
        "astronomyapi_url": api.url,
        "astronomyapi_id": api.application_id,
        "astronomyapi_secret": api.secret,
        **changes,
    }


async def test_without_credentials_everything_is_computed(world: World) -> None:
    """All kinds are there, from a day ago on, and nobody is asked."""
    events = await world.poll(astro_observers=PLACES, astronomyapi_url=NOBODY)
    assert await world.state() == (SourceState.OK, "astronomy-engine", "")
    # Transits happen every ten years.
    assert {event.data.kind for event in events} == set(AstroKind) - {AstroKind.PLANET_TRANSIT}
    assert {event.origin for event in events} == {Origin.COMPUTED}
    now = datetime.now(UTC)
    assert now - timedelta(days=2) < min(event.time for event in events)
    assert now + timedelta(days=390) < max(event.time for event in events)
    daily = [event.time for event in events if event.data.kind is AstroKind.SUN_RISE_SET]
    assert now + timedelta(days=29) < max(daily) < now + timedelta(days=31)


async def test_computing_again_publishes_only_what_is_new(world: World) -> None:
    """A second computation, seconds later, finds nothing new but what has come into the window."""
    first = await world.poll(astro_observers=PLACES)
    assert len(first) > 500
    assert len(await world.poll(astro_observers=PLACES)) <= 2


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_new_place_does_not_wait_for_a_day(world: World) -> None:
    """A restart with another place computes at once, although the next poll is due tomorrow."""
    await world.poll(astro_observers="")
    assert not any(event.data.observer for event in await world.published())
    status = await world.status()
    assert status is not None
    earlier = status.last_attempt - timedelta(minutes=5)
    await SourceRegistry(world.redis).save(
        status.model_copy(update={"last_attempt": earlier, "last_live": earlier})
    )

    async def there() -> bool:
        places = {event.data.observer_name for event in await world.published()}
        return {"Quito", "Singapore"} <= places

    async with world.service(astro_observers=PLACES):
        await wait_until(there, 150.0, "events of both places")
    assert status.next_poll > datetime.now(UTC) + timedelta(hours=20)


async def test_rows_are_the_published_events(world: World, database_url: str) -> None:
    """One row per event, with the same content; storing all of it again changes nothing."""
    events = await world.poll(astro_observers=PLACES)
    async with storing_into(database_url) as repository:
        assert await repository.store(events) == []
        assert await repository.store(events) == []
    query = (
        "SELECT key, id, time, kind, variant, title, bodies, confirmed_by, starts_at, ends_at,"
        " magnitude, obscuration, separation_deg, altitude_deg, observer_name, visible, data"
        " FROM astro_events"
    )
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        rows = await (await connection.execute(query)).fetchall()
    stored = {row[0]: row[1:] for row in rows}
    assert len(stored) == len(rows) == len(events)
    for event in events:
        data = event.data
        assert stored[event.subject or ""] == (
            event.id,
            event.time,
            data.kind.value,
            data.variant,
            data.title,
            data.bodies,
            data.confirmed_by,
            data.start,
            data.end,
            data.magnitude,
            data.obscuration,
            data.separation_deg,
            data.altitude_deg,
            data.observer_name,
            data.visible,
            data.document,
        )


async def test_announced_eclipses_confirm_computed_ones(
    world: World, api: AstronomyApi, database_url: str
) -> None:
    """Each local eclipse is one event, says who confirms it and how, at its computed moment."""
    events = await world.poll(**credentials(api))
    assert await world.state() == (SourceState.OK, "astronomyapi", "")
    assert api.calls == 4
    confirmed = [event for event in events if event.data.confirmed_by]
    assert confirmed
    assert {event.provider for event in events} == {"astronomy-engine"}
    assert len({event.subject for event in events}) == len(events)
    year = datetime.now(UTC) + timedelta(days=360)
    for event in events:
        local = event.data.kind in (AstroKind.LUNAR_ECLIPSE, AstroKind.SOLAR_ECLIPSE)
        announced = local and event.data.observer is not None and event.time < year
        assert event.data.confirmed_by == (["astronomyapi"] if announced else [])
        record = event.data.upstream_body
        assert bool(record) == announced
        assert not record or record["type"].endswith(f"_{event.data.kind}")
    async with storing_into(database_url) as repository:
        assert await repository.store(events) == []
    found = execute(
        database_url,
        "SELECT key, upstream_body, data FROM astro_events WHERE upstream_body IS NOT NULL",
    )
    assert {key: (record, data) for key, record, data in found} == {
        event.subject: (event.data.upstream_body, event.data.document) for event in confirmed
    }
    assert not any("upstream_body" in event.data.document for event in confirmed)


async def test_an_announced_event_that_is_not_computed_is_published_too(
    world: World, api: AstronomyApi
) -> None:
    """With the upstream as its provider, and its null highlights left out."""
    moment = (datetime.now(UTC) + timedelta(days=100)).replace(microsecond=0)
    peak = {"date": moment.isoformat(), "altitude": -5.85}
    record = {
        "type": "partial_solar_eclipse",
        "eventHighlights": {"partialStart": None, "peak": peak, "patialEnd": None},
        "extraInfo": {"obscuration": 0.76},
    }
    api.extra["sun"].append(record)
    events = await world.poll(**credentials(api, astro_observers="Quito:-0.1807:-78.4678"))
    alone = [event for event in events if event.origin is Origin.LIVE]
    assert [(event.provider, event.time) for event in alone] == [("astronomyapi", moment)]
    assert alone[0].data.visible is False
    assert alone[0].data.upstream_body == record


@pytest.mark.parametrize("ago", [timedelta(hours=24, minutes=5), timedelta(hours=23)])
async def test_an_announcement_of_what_is_over_replaces_nothing(
    world: World, api: AstronomyApi, ago: timedelta
) -> None:
    """What it belongs to was published when it was computed, with its confirmation."""
    peak = {"date": (datetime.now(UTC) - ago).isoformat(timespec="seconds"), "altitude": 10}
    api.extra["sun"].append({"type": "total_solar_eclipse", "eventHighlights": {"peak": peak}})
    events = await world.poll(**credentials(api, astro_observers="Quito:-0.1807:-78.4678"))
    assert await world.state() == (SourceState.OK, "astronomyapi", "")
    assert {event.origin for event in events} == {Origin.COMPUTED}


async def test_a_confirmation_outlives_the_upstream(world: World, api: AstronomyApi) -> None:
    """When it fails later, or spells it otherwise, nothing is published again."""
    first = await world.poll(**credentials(api))
    api.fault = Fault.ERROR_500
    again = await world.poll(**credentials(api))
    assert (await world.state())[:2] == (SourceState.FAILING, "astronomy-engine")
    assert len(again) <= 2
    assert any(event.data.confirmed_by for event in first)
    api.fault = None
    api.misspelt = False
    assert len(await world.poll(**credentials(api))) <= 2
    assert await world.state() == (SourceState.OK, "astronomyapi", "")


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault.ERROR_500, SourceState.FAILING),
        (Fault.TOO_MANY_429, SourceState.BLOCKED),
        (Fault.FORBIDDEN_403, SourceState.BLOCKED),
        (Fault.HTML_200, SourceState.FAILING),
        (Fault.ERROR_OBJECT_200, SourceState.FAILING),
        (Fault.TRUNCATED_JSON, SourceState.FAILING),
        (Fault.HUGE_BODY, SourceState.FAILING),
        (Fault.RESET, SourceState.FAILING),
    ],
)
async def test_a_failing_upstream_leaves_the_computed_events(
    world: World, api: AstronomyApi, fault: Fault, state: SourceState
) -> None:
    """The state and its reason tell of the upstream, the events come all the same."""
    api.fault = fault
    events = await world.poll(**credentials(api, astro_observers="Quito:-0.1807:-78.4678"))
    found, provider, reason = await world.state()
    assert (found, provider) == (state, "astronomy-engine")
    assert "astronomyapi" in reason or "expected" in reason
    assert len(events) > 300


@pytest.mark.parametrize("fault", [Fault.MISSING_KEYS, Fault.NULL_VALUES])
async def test_a_record_that_cannot_be_read_is_a_dead_letter(
    world: World, api: AstronomyApi, fault: Fault
) -> None:
    """The page is taken, the record is kept with the reason, the computed event stays as it is."""
    api.fault = fault
    events = await world.poll(**credentials(api))
    assert await world.state() == (SourceState.OK, "astronomyapi", "")
    letters = await world.letters()
    assert letters
    assert all(b"eventHighlights" in letter[b"reason"] for letter in letters)
    assert not any(event.data.confirmed_by for event in events)


@pytest.mark.parametrize("path", ["", "/elsewhere"])
async def test_credentials_appear_nowhere(
    world: World, api: AstronomyApi, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A refusal that echoes them is told in our own words: in state, log and letters."""
    secret = "a-secret-that-is-wrong"
    chosen = credentials(api, astronomyapi_secret=secret, astronomyapi_url=api.url + path)
    await world.poll(**chosen)
    state, provider, reason = await world.state()
    assert (state, provider) == (SourceState.BLOCKED, "astronomy-engine")
    assert "CASSIOPEIA_ASTRONOMYAPI" in reason
    shown = [*capfd.readouterr()]
    for key in await world.redis.keys("*"):
        kind = text(await world.redis.type(key))
        read: Any = {
            "string": world.redis.get,
            "hash": world.redis.hgetall,
            "stream": world.redis.xrange,
            "set": world.redis.smembers,
        }.get(kind)
        shown.append(str(await read(key) if read else key))
    api.secret = secret
    for written in shown:
        for forbidden in (secret, api.token, api.application_id):
            assert forbidden not in written


async def test_what_is_over_is_forgotten(world: World) -> None:
    """What the service remembers of published events does not grow with the years."""
    await world.poll(astro_observers="")
    key = "cassiopeia:source:{astro}:last"
    old = (await world.published())[0]
    over = {"time": datetime(2020, 1, 1, tzinfo=UTC), "subject": "something:long:over"}
    await world.redis.hset(key, "something:long:over", old.model_copy(update=over).encode())
    await world.poll(astro_observers="")
    assert not await world.redis.hexists(key, "something:long:over")
    assert await world.redis.hexists(key, old.subject or "")


def test_half_credentials_are_refused() -> None:
    """The message names both settings."""
    with pytest.raises(ValueError, match="expected both or none"):
        IngestAstroSettings(astronomyapi_id="id", astronomyapi_secret="")
