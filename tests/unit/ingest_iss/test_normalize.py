"""Bodies of the upstreams become events, or are refused with the field that is wrong."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import StaleContentError
from libs.common.events import IssPositionEvent, Origin, Provenance, decode
from services.ingest_iss.earth import julian_day
from services.ingest_iss.normalize import (
    MILES_PER_KM,
    elements_event,
    position_event,
)
from tests.unit.ingest_iss.recorded import IN_SHADOW, POSITIONS, Recorded
from tests.upstreams import elements as simulated

URL = "https://api.wheretheiss.at/v1/satellites/25544"


def body_of(recorded: Recorded, **changes: Any) -> dict[str, Any]:
    """Return an answer as it came over the wire."""
    return {"name": "iss", "id": 25544, **recorded._asdict(), "units": "kilometers"} | changes


def provenance_at(timestamp: float) -> Provenance:
    """Return who gave an answer, and when it came."""
    fetched_at = datetime.fromtimestamp(timestamp, UTC)
    return Provenance("wheretheiss.at", Origin.LIVE, fetched_at)


def normalized(body: object, *, fetched_at: float = POSITIONS[0].timestamp) -> IssPositionEvent:
    """Return the event of a body, fetched at the time of the first record."""
    return position_event(
        body, provenance_at(fetched_at), source_url=URL, stale_after=timedelta(seconds=10)
    )


@pytest.mark.parametrize("recorded", [*POSITIONS, IN_SHADOW], ids=lambda r: str(r.timestamp))
def test_a_recorded_answer_becomes_an_event(recorded: Recorded) -> None:
    """Every field is taken over, the solar longitude goes from -180 to 180, the body is kept."""
    body = body_of(recorded)
    event = normalized(body, fetched_at=recorded.timestamp + 0.4)
    data = event.data
    assert event.time.timestamp() == recorded.timestamp
    assert event.fetchedat - event.time == timedelta(seconds=0.4)
    assert (event.origin, event.provider) == (Origin.LIVE, "wheretheiss.at")
    assert (data.latitude_deg, data.longitude_deg) == (recorded.latitude, recorded.longitude)
    assert (data.altitude_km, data.velocity_kmh) == (recorded.altitude, recorded.velocity)
    assert data.footprint_km == recorded.footprint
    assert data.solar_latitude_deg == recorded.solar_lat
    assert data.solar_longitude_deg == pytest.approx(
        recorded.solar_lon - (360 if recorded.solar_lon >= 180 else 0)
    )
    assert data.upstream_body == body
    assert data.source_url == URL
    assert decode(event.encode()) == event


def test_what_cannot_be_stored_is_not_kept() -> None:
    """The record is cleaned, and the name is a text; what is nested without end is refused."""
    event = normalized(body_of(POSITIONS[0], name="<b>iss</b>\x00", note="\ud800"))
    assert (event.data.name, event.data.upstream_body["note"]) == ("iss", "\ufffd")
    assert decode(event.encode()) == event
    assert normalized(body_of(POSITIONS[0], name="<b>")).data.name == "iss"
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    with pytest.raises(ValueError, match="nested deeper"):
        normalized(body_of(POSITIONS[0], note=deep))


def test_visible_is_in_sunlight() -> None:
    """What a fixed observer in California sees is sunlit; words that are not known say nothing."""
    seen = {
        word: normalized(body_of(POSITIONS[0], visibility=word)).data.visibility
        for word in ("daylight", "visible", "eclipsed", "dusk", None)
    }
    assert seen == {
        "daylight": "daylight",
        "visible": "daylight",
        "eclipsed": "eclipsed",
        "dusk": None,
        None: None,
    }


def test_an_unknown_visibility_survives_the_wire() -> None:
    """A position whose visibility nobody said is an event like any other."""
    event = normalized(body_of(POSITIONS[0], visibility=None))
    assert decode(event.encode()) == event


def test_miles_become_kilometres() -> None:
    """A body that says miles is converted, the footprint too; the body is kept as it was."""
    metric = body_of(POSITIONS[0])
    imperial = metric | {
        "units": "miles",
        **{key: metric[key] * MILES_PER_KM for key in ("altitude", "velocity", "footprint")},
    }
    event = normalized(imperial)
    assert event.data.altitude_km == pytest.approx(metric["altitude"])
    assert event.data.velocity_kmh == pytest.approx(metric["velocity"])
    assert event.data.footprint_km == pytest.approx(metric["footprint"])
    assert event.data.upstream_body == imperial


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"latitude": None}, "latitude: expected a number, got None"),
        ({"latitude": "51.5"}, "latitude: expected a number, got '51.5'"),
        ({"latitude": True}, "latitude: expected a number, got True"),
        ({"latitude": 91}, "latitude_deg"),
        ({"longitude": 181}, "longitude_deg"),
        ({"altitude": 10**400}, "altitude: expected a number"),
        ({"altitude": 420.0 * MILES_PER_KM, "velocity": 27_580 * MILES_PER_KM}, "velocity_kmh"),
        ({"units": "furlongs"}, "units: expected kilometers or miles, got 'furlongs'"),
        ({"units": None}, "units: expected kilometers or miles, got None"),
        ({"id": 25545}, "id: expected 25544, got 25545"),
        ({"timestamp": 1627322480000}, "timestamp: expected Unix seconds"),
        ({"timestamp": float("nan")}, "timestamp: expected a number"),
        ({"daynum": 21522420.6}, "daynum: expected 2459422.250926, got 21522420.6"),
        ({"error": "satellite not found"}, "an error object: satellite not found"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named(changes: dict[str, Any], reason: str) -> None:
    """A value that cannot be is refused with its field, what was expected, and what it was."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        normalized(body_of(POSITIONS[0], **changes))


@pytest.mark.parametrize("missing", ["latitude", "longitude", "altitude", "timestamp", "units"])
def test_a_missing_field_is_named(missing: str) -> None:
    """A body without a field that matters is refused with its name."""
    body = body_of(POSITIONS[0])
    del body[missing]
    with pytest.raises(ValueError, match=f"^{missing}: expected"):
        normalized(body)


@pytest.mark.parametrize("body", [None, [], "error", 7, [{"id": 25544}]], ids=repr)
def test_a_body_of_another_shape_is_refused(body: object) -> None:
    """What is no object is no position."""
    with pytest.raises(ValueError, match="expected an object, got"):
        normalized(body)


@pytest.mark.parametrize("seconds_off", [-11, 11, -86_400, 3_600])
def test_a_position_of_another_time_is_stale(seconds_off: float) -> None:
    """A time too far from the fetch, on either side, is no present position; it says which."""
    recorded = POSITIONS[0]
    with pytest.raises(StaleContentError, match="speaks of 2021-07-26T18:01:20Z") as caught:
        normalized(body_of(recorded), fetched_at=recorded.timestamp + seconds_off)
    assert caught.value.content_time.timestamp() == recorded.timestamp


def test_a_wrong_position_of_another_time_is_wrong() -> None:
    """A body that is broken and old is refused, not called stale."""
    with pytest.raises(ValueError, match="latitude"):
        normalized(body_of(POSITIONS[0], latitude=None), fetched_at=0)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*body_of(POSITIONS[0]), "error"]), json_values))
def test_no_body_makes_it_fail_otherwise(changes: dict[str, Any]) -> None:
    """Any JSON at all gives an event or one of the two errors that a poller understands."""
    try:
        event = normalized(body_of(POSITIONS[0], **changes))
    except (ValueError, StaleContentError):
        return
    assert event.data.norad_id == 25_544


@given(json_values)
def test_no_elements_make_it_fail_otherwise(body: object) -> None:
    """Any JSON at all gives elements that survive the wire, or a ValueError."""
    record = simulated.omm(1_772_366_400)
    others = [record | {key: body} for key in ("EPOCH", "MEAN_MOTION", "COMMENT")]
    for whole in (body, [body], *([other] for other in others)):
        try:
            event = elements_event(whole, provenance_at(0))
        except ValueError:
            continue
        assert event.data.norad_id == 25_544
        assert decode(event.encode()) == event


def test_elements_are_chosen_by_number() -> None:
    """Among docked craft with the same elements, the station's record is taken."""
    station = simulated.omm(1_772_366_400)
    docked = station | {"NORAD_CAT_ID": 49044, "OBJECT_NAME": "ISS (NAUKA)"}
    event = elements_event([docked, station], provenance_at(1_772_370_000))
    assert event.data.object_name == "ISS (ZARYA)"
    assert event.time == event.data.epoch == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert event.data.upstream_body == station
    assert decode(event.encode()) == event


def test_the_same_elements_spelt_otherwise_are_the_same_event() -> None:
    """Their record is kept as it came, and is no reason to publish them again."""
    record = simulated.omm(1_772_366_400)
    other = record | {"BSTAR": str(record["BSTAR"]), "COMMENT": None, "CLASSIFICATION_TYPE": "C"}
    first, second = (elements_event([each], provenance_at(0)) for each in (record, other))
    assert (first.id, first.data.upstream_body) == (second.id, record)
    assert second.data.upstream_body == other


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"NORAD_CAT_ID": 25544}, "expected a list of OMM records, got dict"),
        ([], "no record of 25544 among 0"),
        ([{"NORAD_CAT_ID": 49044}], "no record of 25544 among 1"),
        ([simulated.omm(1_772_366_400) | {"MEAN_MOTION": 0.5}], "MEAN_MOTION: expected"),
        ([simulated.omm(1_772_366_400) | {"EPOCH": None}], "EPOCH: expected"),
    ],
    ids=["object", "empty", "another", "motion", "epoch"],
)
def test_wrong_elements_are_named(body: object, reason: str) -> None:
    """A body that holds no elements of the station is refused with the reason."""
    with pytest.raises(ValueError, match="^" + re.escape(reason)):
        elements_event(body, provenance_at(0))


def test_the_julian_day_is_the_recorded_one() -> None:
    """The Julian day of a record's time is the record's, to its last digit."""
    for recorded in POSITIONS:
        time = datetime.fromtimestamp(recorded.timestamp, UTC)
        assert julian_day(time) == pytest.approx(recorded.daynum, abs=1e-6)


def test_a_body_is_kept_as_json() -> None:
    """What is kept of a body can be written again as the JSON that it was."""
    body = json.loads(json.dumps(body_of(POSITIONS[0], extra=[None, {"a": 1}])))
    event = decode(normalized(body).encode())
    assert isinstance(event, IssPositionEvent)
    assert event.data.upstream_body == body
