"""Bodies of the upstreams in, events out. Pure: no I/O, no clock."""

import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from libs.common.clock import iso
from libs.common.errors import StaleContentError
from libs.common.events import IssElementsEvent, IssPosition, IssPositionEvent, Provenance
from libs.common.upstream.records import storable_record
from libs.common.upstream.text import plain_text
from services.ingest_iss.earth import julian_day, wrapped_deg
from services.ingest_iss.omm import parse_omm

ISS_NORAD_ID = 25_544
# The upstream multiplies by this when it is asked for miles.
MILES_PER_KM = 0.621371
# A different `daynum` reveals a timestamp in the wrong unit; its last digit is about 10 ms.
_DAYNUM_TOLERANCE = 1e-4
_IN_SUNLIGHT = {
    "daylight": "daylight",
    # Sunlit, and seen in the night sky of one fixed place that the upstream has chosen.
    "visible": "daylight",
    "eclipsed": "eclipsed",
}


def position_event(
    body: object, provenance: Provenance, *, source_url: str, stale_after: timedelta
) -> IssPositionEvent:
    """Read a position of wheretheiss.at.

    Args:
        body: The decoded JSON.
        provenance: Who gave it and when.
        source_url: The address that was asked.
        stale_after: The largest accepted difference between its time and the time of the fetch.

    Raises:
        ValueError: The body is no position; the message names the field and what was expected.
        StaleContentError: The body is a position, but of another time.
    """
    if not isinstance(body, Mapping):
        raise ValueError(f"expected an object, got {type(body).__name__}")
    if "error" in body:
        raise ValueError(f"an error object: {body['error']!s:.200}")
    if body.get("id") != ISS_NORAD_ID:
        raise ValueError(f"id: expected {ISS_NORAD_ID}, got {body.get('id')!r:.40}")
    time = _time_of(body, provenance.fetched_at)
    distance = abs(provenance.fetched_at - time)
    scale = _kilometres_per_unit(body)
    position = IssPosition(
        norad_id=ISS_NORAD_ID,
        name=plain_text(str(body.get("name") or "")) or "iss",
        latitude_deg=_number(body, "latitude"),
        longitude_deg=_number(body, "longitude"),
        altitude_km=_number(body, "altitude") * scale,
        velocity_kmh=_number(body, "velocity") * scale,
        footprint_km=_number(body, "footprint") * scale,
        visibility=_visibility(body),
        solar_latitude_deg=_number(body, "solar_lat"),
        solar_longitude_deg=wrapped_deg(_number(body, "solar_lon")),
        source_url=source_url,
        upstream_body=storable_record(body),
    )
    if distance > stale_after:
        raise StaleContentError(
            f"{provenance.provider} speaks of {iso(time)},"
            f" {distance.total_seconds():.0f} s from our clock",
            time,
        )
    return IssPositionEvent.of_position(position, time=time, provenance=provenance)


def elements_event(body: object, provenance: Provenance) -> IssElementsEvent:
    """Read the station's elements from Celestrak's JSON: a list of OMM records.

    The group of all stations includes docked craft with the same elements, so the record is chosen
    by number, never by name.

    Raises:
        ValueError: The station's record is missing or wrong; the message says what was expected.
    """
    if not isinstance(body, list):
        raise ValueError(f"expected a list of OMM records, got {type(body).__name__}")
    for record in body:
        if isinstance(record, Mapping) and str(record.get("NORAD_CAT_ID")) == str(ISS_NORAD_ID):
            received = {"upstream_body": storable_record(record)}
            elements = parse_omm(record).model_copy(update=received)
            return IssElementsEvent.of_elements(elements, provenance=provenance)
    raise ValueError(f"no record of {ISS_NORAD_ID} among {len(body)}")


def _time_of(body: Mapping[str, Any], fetched_at: datetime) -> datetime:
    timestamp = _number(body, "timestamp")
    if abs(timestamp - fetched_at.timestamp()) > timedelta(days=36_525).total_seconds():
        raise ValueError(f"timestamp: expected Unix seconds, got {timestamp:.0f}")
    time = datetime.fromtimestamp(timestamp, UTC)
    daynum = julian_day(time)
    if "daynum" in body and abs(_number(body, "daynum") - daynum) > _DAYNUM_TOLERANCE:
        raise ValueError(f"daynum: expected {daynum:.6f}, got {body['daynum']!r:.40}")
    return time


def _kilometres_per_unit(body: Mapping[str, Any]) -> float:
    match body.get("units"):
        case "kilometers":
            return 1.0
        case "miles":
            return 1 / MILES_PER_KM
        case other:
            raise ValueError(f"units: expected kilometers or miles, got {other!r:.40}")


def _visibility(body: Mapping[str, Any]) -> Literal["daylight", "eclipsed"] | None:
    match _IN_SUNLIGHT.get(str(body.get("visibility"))):
        case "daylight":
            return "daylight"
        case "eclipsed":
            return "eclipsed"
        case _:
            return None


def _number(body: Mapping[str, Any], field: str) -> float:
    value = body.get(field)
    if isinstance(value, int | float) and not isinstance(value, bool):
        # JSON allows integers that no float holds.
        with suppress(OverflowError):
            if math.isfinite(number := float(value)):
                return number
    raise ValueError(f"{field}: expected a number, got {value!r:.40}")
