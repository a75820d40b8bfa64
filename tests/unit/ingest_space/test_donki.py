"""Reading solar flares and coronal mass ejections."""

from datetime import UTC, datetime
from typing import Any

import pytest

from libs.common.events import CoronalMassEjectionEvent, SolarFlareEvent
from services.ingest_space.normalize import ejection_events, flare_events
from tests.unit.ingest_space.bodies import EJECTION, FLARE, LIVE


def flare(**changes: Any) -> SolarFlareEvent:
    """Return the flare with other fields, as it is read."""
    (event,) = flare_events([FLARE | changes], LIVE).events
    assert isinstance(event, SolarFlareEvent)
    return event


def ejection(**changes: Any) -> CoronalMassEjectionEvent:
    """Return the ejection with other fields, as it is read."""
    (event,) = ejection_events([EJECTION | changes], LIVE).events
    assert isinstance(event, CoronalMassEjectionEvent)
    return event


def test_reads_a_flare() -> None:
    """Times without seconds are UTC, the class is a flux, the place is degrees."""
    event = flare(classType="X1.2")
    data = event.data
    assert event.subject == data.flare_id == "2026-03-01T07:35:00-FLR-001"
    assert event.time == data.begin_time == datetime(2026, 3, 1, 7, 35, tzinfo=UTC)
    assert data.peak_time == datetime(2026, 3, 1, 7, 46, tzinfo=UTC)
    assert data.end_time == datetime(2026, 3, 1, 7, 55, tzinfo=UTC)
    assert data.peak_flux_w_m2 == 1.2e-4
    assert (data.source_latitude_deg, data.source_longitude_deg) == (-27, -25)
    assert data.active_region == 13_093
    assert data.instruments == ["GOES-P: EXIS 1.0-8.0"]
    assert data.linked_activities == ["2026-03-01T07:35:00-CME-001"]
    assert data.note is None


@pytest.mark.parametrize(
    ("class_type", "flux"),
    [("A5.1", 5.1e-8), ("B9", 9e-7), ("C5.0", 5e-6), ("M1.0", 1e-5), ("X28", 2.8e-3)],
)
def test_the_flux_of_a_class(class_type: str, flux: float) -> None:
    """A letter is a power of ten of W/m2, from A at 1e-8 to X at 1e-4."""
    assert flare(classType=class_type).data.peak_flux_w_m2 == pytest.approx(flux)


@pytest.mark.parametrize("value", [None, "", "null", [], "?"])
def test_what_is_missing_is_none(value: object) -> None:
    """Null, the empty text, the text "null" and what makes no sense are all no value."""
    fields = ("peakTime", "endTime", "activeRegionNum", "submissionTime", "versionId")
    lists = {"instruments": value, "linkedEvents": value}
    data = flare(**dict.fromkeys(fields, value), **lists, sourceLocation="").data
    assert data.peak_time is data.end_time is data.submitted_at is None
    assert data.active_region is data.version is None
    assert (data.source_location, data.source_latitude_deg) == (None, None)
    assert data.instruments == data.linked_activities == []


def test_reads_the_shape_of_earlier_years() -> None:
    """Without note, catalogue, submission and version it is read as well."""
    newer = ("catalog", "note", "submissionTime", "versionId", "sentNotifications")
    old = {key: value for key, value in FLARE.items() if key not in newer}
    assert len(flare_events([old], LIVE).events) == 1


def test_reads_an_ejection() -> None:
    """Speed and direction are those of the most accurate analysis, with its newest forecast."""
    analysis = EJECTION["cmeAnalyses"][0]
    worse = analysis | {"isMostAccurate": False, "speed": 1.0, "enlilList": None}
    data = ejection(cmeAnalyses=[worse, analysis, worse]).data
    assert data.cme_id == "2026-03-01T03:12:00-CME-001"
    assert data.analysis_count == 3
    assert (data.speed_km_s, data.half_angle_deg, data.analysis_type) == (645, 20, "C")
    assert (data.latitude_deg, data.longitude_deg) == (-10, -105)
    assert data.at_21_5_radii == datetime(2026, 3, 1, 13, 12, tzinfo=UTC)
    assert data.earth_arrival_time == datetime(2026, 3, 4, 3, 12, tzinfo=UTC)
    assert data.is_earth_glancing_blow is True
    assert data.kp_max == 5


@pytest.mark.parametrize("unknown", [None, "null", "", "soon", 5])
def test_the_newest_forecast_is_that_of_the_latest_time(unknown: object) -> None:
    """Whatever stands in place of a time is older than all times, and forms do not matter."""
    analysis = EJECTION["cmeAnalyses"][0]
    forecast = analysis["enlilList"][0]
    runs = [
        forecast
        | {"modelCompletionTime": time, "estimatedShockArrivalTime": f"2026-03-0{day}T00:00Z"}
        for time, day in [
            ("2026-03-01T19:00Z", 4),
            ("2026-03-01 20:00:30+01:00", 5),
            (unknown, 6),
            ("2026-03-01T18:59Z", 7),
        ]
    ]
    data = ejection(cmeAnalyses=[analysis | {"enlilList": runs}]).data
    assert data.earth_arrival_time == datetime(2026, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize("analyses", [None, [], "null", [None]])
def test_reads_an_ejection_that_nobody_has_analysed(analyses: object) -> None:
    """Null and an empty list mean the same."""
    data = ejection(cmeAnalyses=analyses).data
    assert data.analysis_count == 0
    assert data.speed_km_s is data.latitude_deg is data.kp_max is None
    assert data.earth_arrival_time is None


def test_a_revision_is_another_event_of_the_same_thing() -> None:
    """The subject stays, the id changes."""
    first, revised = flare(), flare(endTime="2026-03-01T08:30Z", versionId=2)
    assert first.subject == revised.subject
    assert first.id != revised.id
    assert first.id == flare().id


def test_an_impossible_direction_is_none() -> None:
    """A latitude beyond the pole is no latitude; the rest of the record is taken."""
    analysis = EJECTION["cmeAnalyses"][0] | {"latitude": -95.0, "halfAngle": -3, "speed": "700.5"}
    data = ejection(cmeAnalyses=[analysis]).data
    assert data.latitude_deg is data.half_angle_deg is None
    assert data.speed_km_s == 700.5


def test_one_bad_record_harms_no_other() -> None:
    """It is handed back with the reason."""
    page = flare_events([FLARE, FLARE | {"flrID": "x", "beginTime": "2026-13-01T00:00Z"}, 7], LIVE)
    assert len(page.events) == 1
    assert [rejected.reason for rejected in page.rejected] == [
        "beginTime: expected a time, got '2026-13-01T00:00Z'",
        "expected an object, got int",
    ]


def test_nothing_is_an_answer() -> None:
    """The Sun may be quiet."""
    assert flare_events([], LIVE) == ejection_events([], LIVE) == ([], [])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": {"code": "API_KEY_INVALID", "message": "No."}}, "API_KEY_INVALID: No."),
        ({}, "expected a list, got dict"),
        ([{}], "none of 1 records can be read: flrID: expected text, got None"),
        ([FLARE | {"note": {"deep": "x" * 300_000}}], "at most 262144 bytes"),
    ],
)
def test_refuses_what_is_no_list_of_flares(body: Any, reason: str) -> None:
    """The reason says what it is, or what was expected."""
    with pytest.raises(ValueError, match=reason):
        flare_events(body, LIVE)
