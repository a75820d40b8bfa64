"""Recorded bodies of api.nasa.gov, Launch Library and the API of SpaceX, which is not called."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from libs.common.events import (
    ApodEvent,
    CoronalMassEjectionEvent,
    Event,
    LaunchEvent,
    NearEarthObjectEvent,
    Origin,
    Provenance,
    SolarFlareEvent,
    decode,
)
from services.ingest_space.normalize import (
    Page,
    approach_events,
    ejection_events,
    flare_events,
    launch_events,
    picture_events,
    read_analysis,
)

_LIVE = Provenance("samples", Origin.LIVE, datetime(2026, 10, 1, tzinfo=UTC))
_NORMALIZERS = (picture_events, approach_events, flare_events, ejection_events, launch_events)


def _taken(page: Page, count: int) -> list[Event]:
    """Check that nothing was refused, and that every event survives the stream."""
    assert not page.rejected, page.rejected[0].reason
    assert len(page.events) == count, f"{len(page.events)} of {count}"
    for event in page.events:
        assert decode(event.encode()) == event
        assert b"api_key=" not in event.encode()
    return page.events


def _body(content: bytes) -> Any:
    """Return the JSON of a file, which may be a whole HTTP response."""
    if content.startswith(b"HTTP/"):
        content = content.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    return json.loads(content)


def _minutes(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _picture(content: bytes) -> str:
    body = _body(content)
    (event,) = _taken(picture_events(body, _LIVE), 1)
    assert isinstance(event, ApodEvent)
    data = event.data
    assert data.picture_date.isoformat() == body["date"]
    assert data.title == " ".join(body["title"].split())
    assert data.explanation == " ".join(body["explanation"].split())
    assert (data.url, data.hd_url) == (body["url"], body["hdurl"])
    assert data.copyright == " ".join(body["copyright"].split())
    return f"picture of {data.picture_date}: {data.title}"


def _passages(content: bytes) -> str:
    body = _body(content)
    if "near_earth_objects" not in body:
        approach = body["close_approach_data"][0]
        body = {"near_earth_objects": {approach["close_approach_date"]: [body]}}
    records = [record for day in body["near_earth_objects"].values() for record in day]
    if content.startswith(b"HTTP/"):
        # This recorder wrote true as 1 and false as an empty text.
        for record in records:
            for key in ("is_potentially_hazardous_asteroid", "is_sentry_object"):
                record[key] = bool(record[key])
    by_id = {record["neo_reference_id"]: record for record in records}
    assert body.get("element_count", len(records)) == len(records) == len(by_id)
    for event in _taken(approach_events(body, _LIVE), len(records)):
        assert isinstance(event, NearEarthObjectEvent)
        data, record = event.data, by_id[event.data.neo_id]
        approach = record["close_approach_data"][0]
        assert data.name == record["name"]
        assert data.jpl_url == record["nasa_jpl_url"]
        assert data.absolute_magnitude == record["absolute_magnitude_h"]
        assert data.is_potentially_hazardous is record["is_potentially_hazardous_asteroid"]
        assert data.is_sentry_object is record.get("is_sentry_object")
        metres = record["estimated_diameter"]["meters"]
        assert data.diameter_min_m == metres["estimated_diameter_min"]
        assert data.diameter_max_m == metres["estimated_diameter_max"]
        assert data.approach_time
        assert data.approach_time.timestamp() * 1_000 == approach["epoch_date_close_approach"]
        assert data.approach_date.isoformat() == approach["close_approach_date"]
        miss = approach["miss_distance"]
        assert data.miss_distance_km == float(miss["kilometers"])
        assert data.miss_distance_ld == float(miss["lunar"])
        assert data.miss_distance_au == float(miss["astronomical"])
        velocity = approach["relative_velocity"]["kilometers_per_second"]
        assert data.relative_velocity_km_s == float(velocity)
    return f"{len(records)} passage(s) of near-Earth objects"


def _flares(content: bytes) -> str:
    body = _body(content)
    records = body if isinstance(body, list) else [body]
    events = _taken(flare_events(records, _LIVE), len(records))
    for event, record in zip(events, records, strict=True):
        assert isinstance(event, SolarFlareEvent)
        data = event.data
        assert data.flare_id == record["flrID"]
        for time, key in (
            (data.begin_time, "beginTime"),
            (data.peak_time, "peakTime"),
            (data.end_time, "endTime"),
            (data.submitted_at, "submissionTime"),
        ):
            assert time == _minutes(record.get(key))
        assert data.class_type == record["classType"]
        assert data.peak_flux_w_m2
        assert data.source_location == record["sourceLocation"]
        assert data.source_latitude_deg is not None
        assert data.active_region == record["activeRegionNum"]
        assert data.linked_activities == [
            each["activityID"] for each in record["linkedEvents"] or []
        ]
        assert data.url == record["link"]
    return f"{len(records)} flare(s), the first of class {records[0]['classType']}"


def _ejections(content: bytes) -> str:
    body = _body(content)
    records = body if isinstance(body, list) else [body]
    events = _taken(ejection_events(records, _LIVE), len(records))
    for event, record in zip(events, records, strict=True):
        assert isinstance(event, CoronalMassEjectionEvent)
        data = event.data
        assert data.cme_id == record["activityID"]
        assert data.start_time == _minutes(record["startTime"])
        assert data.note == record["note"]
        assert data.analysis_count == len(record["cmeAnalyses"] or [])
        best = next(each for each in record["cmeAnalyses"] if each["isMostAccurate"])
        assert data.at_21_5_radii == _minutes(best["time21_5"])
        assert (data.speed_km_s, data.half_angle_deg) == (best["speed"], best["halfAngle"])
        assert (data.latitude_deg, data.longitude_deg) == (best["latitude"], best["longitude"])
        assert data.instruments == [each["displayName"] for each in record["instruments"]]
    return f"{len(records)} coronal mass ejection(s)"


def _analysis(content: bytes) -> str:
    body = _body(content)
    analysis = read_analysis(body)
    assert analysis.kind == body["type"]
    assert analysis.at_21_5_radii == _minutes(body["time21_5"])
    assert (analysis.latitude_deg, analysis.longitude_deg) == (body["latitude"], body["longitude"])
    assert (analysis.half_angle_deg, analysis.speed_km_s) == (body["halfAngle"], body["speed"])
    return f"an analysis of {body['associatedCMEID']}: {analysis.speed_km_s:g} km/s"


def _launches(content: bytes) -> str:
    body = _body(content)
    return f"{_check_launches(body['results'])} launch(es)"


def _launches_of_starship(content: bytes) -> str:
    body = _body(content)
    count = sum(_check_launches(body[part]["launches"]) for part in ("upcoming", "previous"))
    return f"{count} launch(es) inside of a list of news; {_refusal(body)}"


def _launches_of_events(content: bytes) -> str:
    body = _body(content)
    count = sum(_check_launches(each["launches"]) for each in body["results"])
    return f"{count} launch(es) inside of a list of events; {_refusal(body)}"


def _check_launches(records: list[Any]) -> int:
    # The anonymised ones all bear one id.
    for record in records:
        (event,) = _taken(launch_events({"results": [record]}, _LIVE), 1)
        assert isinstance(event, LaunchEvent)
        data = event.data
        assert (data.launch_id, data.name) == (record["id"], record["name"])
        assert data.net == _minutes(record["net"].upper())
        assert data.window_end == _minutes(record["window_end"].upper())
        assert data.status_id == record["status"]["id"]
        assert data.status_name == record["status"]["name"]
        assert data.provider_name == record["launch_service_provider"]["name"]
        assert data.rocket_name == record["rocket"]["configuration"]["full_name"]
        assert data.mission_name == record["mission"]["name"]
        orbit = record["mission"]["orbit"]
        assert data.orbit == (orbit["name"] if orbit else None)
        assert data.location_name == record["pad"]["location"]["name"]
        latitude = record["pad"]["latitude"]
        # A placeholder of the documentation is no number.
        assert data.pad_latitude_deg == (None if latitude == "string" else float(latitude))
        image = record["image"]
        url = image["image_url"] if isinstance(image, dict) else image
        assert data.image_url == (None if url == "string" else url)
    return len(records)


def _error(content: bytes) -> str:
    """Check that no normalizer takes an error for data."""
    return _refusal(_body(content))


def _not_called(content: bytes) -> str:
    return f"an answer of the SpaceX API, which is not called; {_refusal(_body(content))}"


def _refusal(body: Any) -> str:
    reasons = set()
    for normalize in _NORMALIZERS:
        try:
            normalize(body, _LIVE)
        except ValueError as error:
            reasons.add(str(error))
        else:
            raise AssertionError(f"{normalize.__name__} took it")
    return f"refused: {min(reasons)}"


CHECKS: list[tuple[str, Callable[[bytes], str]]] = [
    ("nasa_apod/apod_*", _picture),
    ("nasa_apod/error_*.json", _error),
    ("nasa_common/error_*.json", _error),
    ("nasa_neows/*", _passages),
    ("nasa_donki/flr_*.json", _flares),
    ("nasa_donki/cme_*.json", _ejections),
    ("nasa_donki/cmeanalysis_*.json", _analysis),
    ("launchlibrary/ll2_*.json", _launches),
    ("launchlibrary/pylaunches_upcoming.json", _launches),
    ("launchlibrary/pylaunches_starship.json", _launches_of_starship),
    ("launchlibrary/pylaunches_event.json", _launches_of_events),
    ("spacex/*.json", _not_called),
]
