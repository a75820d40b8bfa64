"""Recorded bodies of wheretheiss.at and Celestrak."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from libs.common.errors import StaleContentError
from libs.common.events import IssPositionEvent, Origin, Provenance, decode
from services.ingest_iss.earth import wrapped_deg
from services.ingest_iss.normalize import (
    ISS_NORAD_ID,
    MILES_PER_KM,
    elements_event,
    position_event,
)
from services.ingest_iss.omm import parse_omm

_URL = "https://api.wheretheiss.at/v1/satellites/25544"
_STALE_AFTER = timedelta(seconds=10)


def _unwrapped(content: bytes) -> Any:
    """Return the body, also where its recorder put it into an object of their own."""
    document = json.loads(content)
    if isinstance(document, dict) and "request_info" in document:
        return document["request_info"]
    if isinstance(document, dict) and "capturedAt" in document:
        return document["data"]
    return document


def _read(body: Any) -> IssPositionEvent:
    """Read a position as if it had been fetched in the second that it speaks of."""
    fetched_at = datetime.fromtimestamp(body["timestamp"], UTC)
    provenance = Provenance("wheretheiss.at", Origin.LIVE, fetched_at)
    return position_event(body, provenance, source_url=_URL, stale_after=_STALE_AFTER)


def _positions(content: bytes) -> str:
    """Every number is kept, in kilometres; the body itself is kept whole."""
    bodies = _unwrapped(content)
    bodies = bodies if isinstance(bodies, list) else [bodies]
    for body in bodies:
        event = _read(body)
        assert decode(event.encode()) == event
        data = event.data
        scale = 1 / MILES_PER_KM if body["units"] == "miles" else 1.0
        assert data.upstream_body == body
        assert (data.latitude_deg, data.longitude_deg) == (body["latitude"], body["longitude"])
        for read, field in (
            (data.altitude_km, "altitude"),
            (data.velocity_kmh, "velocity"),
            (data.footprint_km, "footprint"),
        ):
            assert read == body[field] * scale, field
        assert data.solar_longitude_deg == wrapped_deg(body["solar_lon"])
        assert data.visibility in {"daylight", "eclipsed"}
        _is_stale_a_minute_later(body)
    return f"{len(bodies)} positions"


def _is_stale_a_minute_later(body: Any) -> None:
    late = datetime.fromtimestamp(body["timestamp"], UTC) + timedelta(minutes=1)
    provenance = Provenance("wheretheiss.at", Origin.LIVE, late)
    try:
        position_event(body, provenance, source_url=_URL, stale_after=_STALE_AFTER)
    except StaleContentError:
        return
    raise AssertionError("an old position passed as a new one")


def _no_position(content: bytes) -> str:
    """Errors, garbage and other endpoints' bodies are refused as what they are."""
    body = _unwrapped(content)
    bodies = body if isinstance(body, list) else [body]
    provenance = Provenance("wheretheiss.at", Origin.LIVE, datetime(2021, 7, 27, tzinfo=UTC))
    reasons = []
    for each in bodies:
        try:
            position_event(each, provenance, source_url=_URL, stale_after=_STALE_AFTER)
        except StaleContentError as error:
            raise AssertionError("taken for a position of another time") from error
        except ValueError as error:
            reasons.append(str(error))
        else:
            raise AssertionError("taken for a position")
    return f"refused: {reasons[0]}"


def _elements(content: bytes) -> str:
    """Every record is read; the station is found by its number, where it is among them."""
    records = _unwrapped(content)
    parsed = 0
    for record in records:
        try:
            elements = parse_omm(record)
        except ValueError as error:
            # Others fly higher than the range that the station's model allows.
            if record["NORAD_CAT_ID"] == ISS_NORAD_ID:
                raise AssertionError(str(error)) from error
            continue
        parsed += 1
        assert elements.epoch.replace(tzinfo=None) == datetime.fromisoformat(record["EPOCH"])
        assert elements.mean_motion_rev_per_day == record["MEAN_MOTION"]
        assert elements.bstar == record["BSTAR"]
    provenance = Provenance("celestrak", Origin.LIVE, datetime(2026, 10, 1, tzinfo=UTC))
    numbers = [record["NORAD_CAT_ID"] for record in records]
    try:
        event = elements_event(records, provenance)
    except ValueError as error:
        if ISS_NORAD_ID in numbers:
            raise AssertionError(str(error)) from error
        return f"{parsed} of {len(records)} records, none of the station"
    assert decode(event.encode()) == event
    assert event.data.norad_id == ISS_NORAD_ID
    assert event.data.upstream_body in records
    return f"{parsed} of {len(records)} records, the station's of {event.time:%Y-%m-%d}"


CHECKS: list[tuple[str, Callable[[bytes], str]]] = [
    ("wheretheiss/satellite_25544_*.json", _positions),
    ("wheretheiss/positions_2ts_*.json", _positions),
    ("wheretheiss/bdd_satellite_by_id.wrapped.json", _positions),
    ("wheretheiss/bdd_satellite_positions.wrapped.json", _positions),
    ("wheretheiss/positions_11_timestamps_ms_200.json", _no_position),
    ("wheretheiss/bdd_satellite_coordinate.wrapped.json", _no_position),
    ("wheretheiss/error_*.json", _no_position),
    ("wheretheiss/satellites_list.json", _no_position),
    ("wheretheiss/tles_*.json", _no_position),
    ("celestrak/*.json", _elements),
]
