"""Events as the services make them, and bodies that are none."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from libs.common.events import (
    Event,
    IssElements,
    IssElementsEvent,
    IssPosition,
    IssPositionEvent,
    Origin,
    Provenance,
)

# An ordinary day in the past, so that nothing depends on when a test runs.
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIVE = Provenance("wheretheiss.at", Origin.LIVE, START + timedelta(milliseconds=180))


class Poison(NamedTuple):
    """A body that is no event, and what the reason must say."""

    body: bytes
    reason: str


def position_event(
    index: int = 0, *, time: datetime | None = None, provenance: Provenance = LIVE, **changes: Any
) -> IssPositionEvent:
    """Return the position of second `index`.

    Args:
        index: Seconds after `START`; two events of one index are the same event.
        time: In place of that time.
        provenance: Who gave it, and when.
        **changes: Fields of the payload that differ; they must be valid.
    """
    moment = time or START + timedelta(seconds=index)
    fields: dict[str, Any] = {
        "norad_id": 25_544,
        "name": "iss",
        "latitude_deg": -51.5 + index % 103,
        "longitude_deg": -180.0 + index % 360,
        "altitude_km": 420.5,
        "velocity_kmh": 27_580.25,
        "footprint_km": 4_510.75,
        "visibility": "daylight",
        "solar_latitude_deg": -7.5,
        "solar_longitude_deg": 3.25,
        "source_url": "https://api.wheretheiss.at/v1/satellites/25544",
        "upstream_body": {"id": 25_544, "timestamp": int(moment.timestamp())},
    }
    return IssPositionEvent.of_position(
        IssPosition(**(fields | changes)), time=moment, provenance=provenance
    )


def position_events(count: int, *, start: int = 0) -> list[IssPositionEvent]:
    """Return that many positions, one a second."""
    return [position_event(index) for index in range(start, start + count)]


def elements_event(
    index: int = 0, *, provenance: Provenance | None = None, **changes: Any
) -> IssElementsEvent:
    """Return the elements of hour `index` after `START`."""
    fields: dict[str, Any] = {
        "norad_id": 25_544,
        "object_name": "ISS (ZARYA)",
        "object_id": "1998-067A",
        "epoch": START + timedelta(hours=index),
        "mean_motion_rev_per_day": 15.49141208,
        "eccentricity": 0.00069219,
        "inclination_deg": 51.6316,
        "raan_deg": 115.5643,
        "arg_perigee_deg": 332.7863,
        "mean_anomaly_deg": 27.2762,
        "bstar": 0.00020005445,
        "mean_motion_dot": 0.00010646,
        "mean_motion_ddot": 0.0,
        "element_set_number": 999,
        "revolution_number": 57_753,
        "upstream_body": {"NORAD_CAT_ID": 25_544, "CLASSIFICATION_TYPE": "U"},
    }
    provenance = provenance or Provenance("celestrak", Origin.LIVE, START)
    return IssElementsEvent.of_elements(IssElements(**(fields | changes)), provenance=provenance)


def altered(event: Event, **changes: Any) -> bytes:
    """Return the body of an event with values put in that its model would refuse.

    Args:
        event: What to start from.
        **changes: New values by field; `data__name` is the field `name` of the payload.
    """
    document: dict[str, Any] = json.loads(event.encode())
    for path, value in changes.items():
        *parents, field = path.split("__")
        place = document
        for parent in parents:
            place = place[parent]
        place[field] = value
    return json.dumps(document).encode()


def undecodable() -> Sequence[Poison]:
    """Return bodies of every kind that decoding refuses."""
    event = position_event()
    whole = event.encode()
    return [
        Poison(b"", "not JSON"),
        Poison(b"poison", "not JSON"),
        Poison(whole[: len(whole) // 2], "not JSON"),
        Poison(b'{"type": "\xff\xfe"}', "not JSON"),
        Poison(b"\x00\x01\x02", "not JSON"),
        Poison(whole + b"," + whole, "not JSON"),
        Poison(b"{},{}", "not JSON"),
        Poison(b"[" * 1_000 + b"]" * 1_000, "not JSON"),
        Poison(b"[]", "should be an object"),
        Poison(b"null", "should be an object"),
        Poison(b"{}", "no type"),
        Poison(altered(event, type="cassiopeia.iss.position.v99"), "unknown type cassiopeia.iss"),
        Poison(altered(event, specversion="0.3"), "specversion: "),
        Poison(altered(event, time="2026-03-01T12:00:00"), "time: "),
        Poison(altered(event, time="yesterday"), "time: "),
        Poison(altered(event, id="not-a-uuid"), "id: "),
        Poison(altered(event, origin="guessed"), "origin: "),
        Poison(altered(event, data__latitude_deg=91), "data.latitude_deg: "),
        Poison(altered(event, data__latitude_deg="51.5"), "data.latitude_deg: "),
        Poison(altered(event, data__latitude_deg=float("nan")), "data.latitude_deg: "),
        Poison(altered(event, data__altitude_km=float("inf")), "data.altitude_km: "),
        Poison(altered(event, data__longitude_deg=None), "data.longitude_deg: "),
        Poison(altered(event, data__name=""), "data.name: "),
    ]
