"""Bodies of AstronomyAPI: every event or a reason, whatever is sent."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events import AstroEventEvent, AstroKind, AstroObserver, Origin, Provenance, decode
from services.ingest_astro.normalize import Announced, announced_events

PLACE = AstroObserver(name="Somewhere", latitude_deg=38.8, longitude_deg=-84.4)


def highlight(date: str, altitude: float) -> dict[str, Any]:
    """Return one moment as the upstream writes it."""
    return {"date": date, "altitude": altitude}


def sun_event() -> dict[str, Any]:
    """Return a partial eclipse that ends after sunrise, with the samples' misspelling."""
    return {
        "type": "partial_solar_eclipse",
        "eventHighlights": {
            "partialStart": highlight("2021-06-10T03:45:15.000-05:00", -13.5),
            "totalStart": None,
            "peak": highlight("2021-06-10T04:37:30.000-05:00", -5.8),
            "totalEnd": None,
            "patialEnd": highlight("2021-06-10T05:32:52.000-05:00", 2.9),
        },
        "rise": "2021-06-10T10:12:14.000Z",
        "set": "2021-06-11T01:02:13.000Z",
        "extraInfo": {"obscuration": 0.75},
    }


def page(*events: Any) -> dict[str, Any]:
    """Return an answer with these events."""
    return {"data": {"rows": [{"body": {"id": "sun", "name": "Sun"}, "events": list(events)}]}}


def only(found: Announced) -> Any:
    """Return the one event of an answer."""
    assert found.unread == []
    (happening,) = found.events
    return happening


def test_an_eclipse() -> None:
    """Kind, moments in UTC, obscuration; a peak below the horizon is not visible."""
    time, event = only(announced_events(page(sun_event()), PLACE))
    assert time == datetime(2021, 6, 10, 9, 37, 30, tzinfo=UTC)
    assert event.kind is AstroKind.SOLAR_ECLIPSE
    assert event.variant == "partial"
    assert [contact.name for contact in event.contacts] == ["partial_start", "peak", "partial_end"]
    assert all(contact.time.utcoffset() == UTC.utcoffset(None) for contact in event.contacts)
    assert event.obscuration == 0.75
    assert event.altitude_deg == -5.8
    assert event.visible is False
    assert event.observer == PLACE
    assert event.upstream_body == sun_event()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("patialEnd", "partialEnd")],
)
def test_both_spellings_of_the_sun(wrong: str, right: str) -> None:
    """The documentation's key gives the same event as the samples'."""
    event = sun_event()
    time, misspelt = only(announced_events(page(event), PLACE))
    event["eventHighlights"][right] = event["eventHighlights"].pop(wrong)
    other_time, other = only(announced_events(page(event), PLACE))
    assert (other_time, other.content) == (time, misspelt.content)


@pytest.mark.parametrize("word", ["penumbral", "pemumbral"])
def test_both_spellings_of_the_moon(word: str) -> None:
    """So it is with the penumbra."""
    event = {
        "type": "penumbral_lunar_eclipse",
        "eventHighlights": {
            f"{word}Start": highlight("2026-01-01T00:00:00Z", 10),
            "peak": highlight("2026-01-01T01:00:00Z", 20),
            f"{word}End": highlight("2026-01-01T02:00:00Z", 30),
        },
    }
    _, read = only(announced_events(page(event), PLACE))
    names = [contact.name for contact in read.contacts]
    assert names == ["penumbral_start", "peak", "penumbral_end"]
    assert read.visible is True


def test_without_a_peak_the_middle_stands_for_it() -> None:
    """Null highlights are left out, a null peak too; whether it is visible is not known."""
    event = sun_event()
    event["eventHighlights"]["peak"] = None
    time, read = only(announced_events(page(event), PLACE))
    assert time == datetime(2021, 6, 10, 9, 39, 3, 500_000, tzinfo=UTC)
    assert read.visible is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "meteor_shower"}, "type: expected an eclipse"),
        ({"type": None}, "type: expected an eclipse"),
        ({"eventHighlights": None}, "eventHighlights: expected an object"),
        ({"eventHighlights": {"peak": None}}, "at least one moment"),
        ({"eventHighlights": {"peak": "soon"}}, "peak: expected date and altitude"),
        ({"eventHighlights": {"peak": {"date": "soon"}}}, "peak.date: expected an ISO time"),
        ({"eventHighlights": {"peak": {"date": "2026-01-01T00:00:00"}}}, "with its offset"),
        ({"eventHighlights": {"peak": highlight("2026-01-01T00:00:00Z", 91)}}, "altitude_deg"),
        ({"extraInfo": {"obscuration": 1.5}}, "obscuration"),
        ({"extraInfo": {"obscuration": "much"}}, "obscuration: expected a number"),
    ],
)
def test_a_bad_record_leaves_the_others(change: dict[str, Any], reason: str) -> None:
    """It is kept with the reason; the good one beside it is taken."""
    found = announced_events(page(sun_event() | change, sun_event()), PLACE)
    assert len(found.events) == 1
    assert [unread.record for unread in found.unread] == [sun_event() | change]
    assert reason in found.unread[0].reason


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"data": []},
        {"data": {"table": {"rows": []}}},
        {"Message": "User is not authorized to access this resource with an explicit deny"},
        {"statusCode": 422, "errors": [{"message": 'requires property "latitude"'}]},
        {"error": "something", "status": 500},
    ],
)
def test_what_is_no_page_is_refused(body: object) -> None:
    """Errors with status 200, tables, and everything else."""
    with pytest.raises(ValueError, match="expected"):
        announced_events(body, PLACE)


def test_no_events_is_a_good_answer() -> None:
    """Most places see no eclipse in most months."""
    assert announced_events(page(), PLACE) == Announced([], [])
    assert announced_events({"data": {"rows": []}}, PLACE) == Announced([], [])


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def check(body: object) -> None:
    """Read a body; every event must survive the stream, every reason must be text."""
    try:
        found = announced_events(body, PLACE)
    except ValueError as error:
        str(error).encode()
        return
    provenance = Provenance("test", Origin.LIVE, datetime(2026, 1, 1, tzinfo=UTC))
    for time, event in found.events:
        wrapped = AstroEventEvent.of_event(event, time=time, provenance=provenance)
        assert decode(wrapped.encode()).data == event
    for unread in found.unread:
        assert unread.reason.encode()
        json.dumps(unread.record)


@given(ANY_JSON)
def test_any_json_gives_events_or_a_reason(body: object) -> None:
    """Never another exception."""
    check(body)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every place of a document."""
    inner: Any = []
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    return [path, *(p for key, item in inner for p in paths(item, (*path, key)))]


VALID = page(sun_event(), sun_event())


@given(place=st.sampled_from(paths(VALID)[1:]), value=ANY_JSON)
def test_a_spoilt_page_gives_events_or_a_reason(place: tuple[Any, ...], value: object) -> None:
    """Anything in any place of a good answer."""
    body = copy.deepcopy(VALID)
    target: Any = body
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    check(body)
