"""Reading the feed of near-Earth objects."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from libs.common.events import NearEarthObjectEvent
from services.ingest_space.normalize import approach_events
from tests.unit.ingest_space.bodies import ASTEROID, DAY, LIVE, feed


def read(*asteroids: Any) -> list[NearEarthObjectEvent]:
    """Return the passages of a feed."""
    return [
        event
        for event in approach_events(feed(*asteroids), LIVE).events
        if isinstance(event, NearEarthObjectEvent)
    ]


def passing(**changes: Any) -> dict[str, Any]:
    """Return the asteroid with another passage."""
    return ASTEROID | {"close_approach_data": [ASTEROID["close_approach_data"][0] | changes]}


def test_reads_a_passage() -> None:
    """Numbers that are written as texts are numbers; sizes are in metres."""
    (event,) = read(ASTEROID)
    at = datetime(2026, 3, 1, 8, 20, tzinfo=UTC)
    data = event.data
    assert event.subject == f"{ASTEROID['id']}:2026-03-01:Earth"
    assert event.time == data.approach_time == at
    assert (data.approach_date, data.orbiting_body) == (DAY, "Earth")
    assert data.absolute_magnitude == 26.0
    assert data.diameter_min_m == 37.5
    assert data.diameter_max_m == pytest.approx(83.85255)
    assert data.relative_velocity_km_s == 8.5
    assert data.miss_distance_km == 1_200_001.370370367
    assert data.miss_distance_ld == pytest.approx(1_200_001.37 / 384_400)
    assert data.is_potentially_hazardous is data.is_sentry_object is False


def test_takes_the_key_out_of_every_link() -> None:
    """The feed repeats the key of whoever asked; it does not get into an event."""
    link = "http://api.nasa.gov/neo/rest/v1/neo/1?detailed=false&api_key=SECRET123"
    (event,) = read(
        ASTEROID | {"links": {"self": link}, "nasa_jpl_url": "http://x.example/?api_key=SECRET123"}
    )
    assert b"SECRET123" not in event.encode()
    assert event.data.upstream_body["links"]["self"].endswith("/neo/1?detailed=false")
    assert event.data.jpl_url == "http://x.example/"


def test_takes_the_key_out_of_a_rejected_record() -> None:
    """A record that goes to the dead letters holds no key either."""
    link = "http://api.nasa.gov/neo/rest/v1/neo/1?api_key=SECRET123"
    page = approach_events(feed(ASTEROID, {"links": {"self": link}}), LIVE)
    (rejected,) = page.rejected
    assert json.loads(rejected.body) == {"links": {"self": "http://api.nasa.gov/neo/rest/v1/neo/1"}}


def test_reads_the_older_shape() -> None:
    """Without `id`, `is_sentry_object` and the full date it is read as well."""
    old = {key: value for key, value in ASTEROID.items() if key not in ("id", "is_sentry_object")}
    (event,) = read(old)
    assert event.data.neo_id == ASTEROID["id"]
    assert event.data.is_sentry_object is None


def test_reads_the_time_from_words() -> None:
    """Where the milliseconds are missing, the full date tells the time, in any case."""
    (event,) = read(
        passing(epoch_date_close_approach=None, close_approach_date_full="2026-MAR-01 08:21")
    )
    assert event.time == datetime(2026, 3, 1, 8, 21, tzinfo=UTC)


def test_without_a_time_it_is_the_beginning_of_its_day() -> None:
    """The date alone is enough."""
    (event,) = read(passing(epoch_date_close_approach="soon", close_approach_date_full=None))
    assert event.data.approach_time is None
    assert event.time == datetime(2026, 3, 1, tzinfo=UTC)


def test_each_of_several_passages_is_an_event() -> None:
    """An object that passes two bodies is two things."""
    both = passing()
    both["close_approach_data"] += [both["close_approach_data"][0] | {"orbiting_body": "Moon"}]
    assert [event.data.orbiting_body for event in read(both)] == ["Earth", "Moon"]


def test_a_revised_distance_is_another_event_of_the_same_thing() -> None:
    """The subject stays, the id changes; equal content has one id in any order of its keys."""
    (first,) = read(ASTEROID)
    (again,) = read(dict(reversed(ASTEROID.items())))
    (revised,) = read(passing(miss_distance={"kilometers": "1200000"}))
    assert first.id == again.id != revised.id
    assert first.subject == revised.subject


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (feed(ASTEROID | {"close_approach_data": []}), "close_approach_data: expected"),
        (feed(ASTEROID | {"name": None}), "name: expected text"),
        (
            feed(
                passing(
                    close_approach_date="?",
                    epoch_date_close_approach=None,
                    close_approach_date_full=1,
                )
            ),
            "date",
        ),
        ({"near_earth_objects": []}, "near_earth_objects: expected an object, got list"),
        ([], "expected an object, got list"),
        ({"code": 400, "http_error": "BAD_REQUEST", "msg": "Date Format Exception"}, "400: Date"),
    ],
)
def test_refuses_what_is_no_feed(body: Any, reason: str) -> None:
    """The reason names the field, or repeats the complaint."""
    with pytest.raises(ValueError, match=reason):
        approach_events(body, LIVE)


def test_an_empty_feed_is_an_answer() -> None:
    """Days without any object are no fault."""
    assert approach_events(feed(), LIVE) == ([], [])
