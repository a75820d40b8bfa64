"""`/api/v1/astro/events`: any place, any window, in the shape of the earlier systems and more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest

from libs.common.broker import ensure_groups
from libs.common.events import AstroKind
from tests.catalogue import sky_event
from tests.contract.clients import TOLD, assert_is_cacheable, fault, get, get_calendar, store
from tests.factories import START
from tests.gateways import Gateway, running_gateway
from tests.integration.astro import World, astro_world

EVENTS = "/api/v1/astro/events"
MOSCOW = {"lat": "55.7558", "lon": "37.6176"}
# A total eclipse of the Sun on the 12th, a partial one of the Moon on the 28th.
AUGUST = {"from": "2026-08-01T00:00:00Z", "to": "2026-09-01T00:00:00Z"}


@asynccontextmanager
async def computing(valkey_url: str) -> AsyncIterator[World]:
    """Run the service that computes, without places of its own."""
    async with astro_world(valkey_url) as world, world.service(astro_observers=""):
        yield world


@pytest.fixture
async def sky(valkey_url: str, reader_database_url: str) -> AsyncIterator[Gateway]:
    """A gateway beside the service that computes."""
    async with computing(valkey_url), running_gateway(valkey_url, reader_database_url) as gateway:
        yield gateway


async def test_the_old_shape_and_more(sky: Gateway) -> None:
    """Names and types of the Go server; what it left out is left out."""
    document = await get(sky, EVENTS, days="30", **MOSCOW)
    assert document["location"] == {"lat": 55.7558, "lon": 37.6176, "elevation_m": 0.0}
    assert document["days"] == 30
    assert len(document["events"]) > 100
    for event in document["events"]:
        assert isinstance(event["name"], str)
        assert event["type"] in set(AstroKind)
        assert event["when"] == event["time"]
        for optional, kind in (("magnitude", float), ("altitude", float), ("details", str)):
            assert optional not in event or isinstance(event[optional], kind)
        assert set(event) >= {*TOLD, "starts_at", "ends_at", "key"}
        assert (event["origin"], event["provider"]) == ("computed", "astronomy-engine")
    assert any("altitude" in event for event in document["events"])
    assert document["events"] == sorted(document["events"], key=lambda event: event["time"])


async def test_eclipses_of_a_month(sky: Gateway) -> None:
    """With types and without a place: what is the same for the whole Earth."""
    document = await get(sky, EVENTS, types="solar_eclipse,lunar_eclipse", **AUGUST)
    assert document["location"] is None
    assert document["days"] == 31
    solar, lunar = document["events"]
    assert (solar["type"], solar["variant"]) == ("solar_eclipse", "total")
    assert solar["time"].startswith("2026-08-12T17:4")
    assert (lunar["type"], lunar["variant"]) == ("lunar_eclipse", "partial")


async def test_a_week_from_the_present_hour_is_the_default(sky: Gateway) -> None:
    """As it was, but for the invented place."""
    now = datetime.now(UTC)
    document = await get(sky, EVENTS)
    since = datetime.fromisoformat(document["from"])
    assert timedelta(0) <= now - since < timedelta(hours=1, seconds=10)
    assert datetime.fromisoformat(document["to"]) - since == timedelta(days=7)
    assert document["days"] == 7


async def test_events_as_a_calendar_keep_their_uids(sky: Gateway) -> None:
    """Another window has the same entry for the same event."""
    path = f"{EVENTS}.ics"
    kinds = {"types": "solar_eclipse,lunar_eclipse,meteor_shower"}
    _, shown = await get_calendar(sky, path, **kinds, **AUGUST, **MOSCOW)
    window = {"from": "2026-07-20T00:00:00Z", "to": "2026-10-01T00:00:00Z"}
    _, later = await get_calendar(sky, path, **kinds, **window, **MOSCOW)
    entries = {event["uid"]: event for event in later}
    assert shown
    for event in shown:
        assert entries[event["uid"]]["dtstart"].dt == event["dtstart"].dt
        # Another one would be a change to a calendar.
        assert event["dtstamp"].dt == entries[event["uid"]]["dtstamp"].dt
        # A shower lasts for weeks: its peak is what stands in the calendar.
        if "dtend" in event:
            assert event["dtend"].dt - event["dtstart"].dt < timedelta(days=1)


async def test_answers_are_cacheable(sky: Gateway) -> None:
    """Six hours for what does not change."""
    await assert_is_cacheable(sky, EVENTS, **AUGUST, **MOSCOW)


WRONG = [
    ({"lat": "55"}, "lon"),
    ({"lon": "37"}, "lat"),
    ({"lat": "91", "lon": "0"}, "lat"),
    ({"days": "0"}, "days"),
    ({"days": "367"}, "days"),
    ({"days": "7", **AUGUST}, "days"),
    ({"types": "comet"}, "types.0"),
    ({"types": ""}, "types.0"),
    ({"from": "2026-01-01T00:00:00Z", "to": "2027-06-01T00:00:00Z"}, "to"),
    ({"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "to"),
    ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from"),
]


async def test_a_wrong_parameter_is_named(gateway: Gateway) -> None:
    """422, and the field at fault; nobody is asked. An unknown one is ignored, as of old."""
    for params, field in WRONG:
        assert await fault(gateway, EVENTS, **params) == (HTTPStatus.UNPROCESSABLE_ENTITY, [field])


async def test_a_year_that_nobody_computes_is_refused(sky: Gateway) -> None:
    """What the service refuses is the client's fault, not ours."""
    window = {"from": "2150-01-01T00:00:00Z"}
    assert await fault(sky, EVENTS, **window) == (HTTPStatus.UNPROCESSABLE_ENTITY, ["from"])


async def test_stored_events_stand_in_while_nobody_computes(
    valkey_url: str, database_url: str, reader_database_url: str
) -> None:
    """Those of the whole Earth; for a place there is none but to wait."""
    await store(database_url, [sky_event(1), sky_event(20, variant="new"), sky_event(90)])
    async with running_gateway(
        valkey_url, reader_database_url, question_wait_seconds=0.3
    ) as gateway:
        await ensure_groups(gateway.redis)
        window = {"from": START.isoformat(), "days": "30"}
        document = await get(gateway, EVENTS, **window)
        assert [event["variant"] for event in document["events"]] == ["full", "new"]
        assert all(event["stored_at"] for event in document["events"])
        async with gateway.http.get(EVENTS, params={**window, **MOSCOW}) as response:
            assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
            assert "Retry-After" in response.headers
        nothing = {**window, "types": "season"}
        async with gateway.http.get(EVENTS, params=nothing) as response:
            assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
