"""Recorded bodies of AstronomyAPI."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from libs.common.events import AstroObserver
from services.ingest_astro.normalize import announced_events

_PLACE = AstroObserver(name="the samples' place", latitude_deg=38.775867, longitude_deg=-84.39733)


def _rows(content: bytes) -> str:
    """Check that every event is read, with all of its moments, in UTC."""
    body = json.loads(content)
    found = announced_events(body, _PLACE)
    assert not found.unread, found.unread
    records: list[Any] = [record for row in body["data"]["rows"] for record in row["events"]]
    assert len(found.events) == len(records)
    for record, (time, event) in zip(records, found.events, strict=True):
        highlights = {k: v for k, v in record["eventHighlights"].items() if v}
        assert sorted((c.time, c.altitude_deg) for c in event.contacts) == sorted(
            (datetime.fromisoformat(v["date"]), v["altitude"]) for v in highlights.values()
        )
        assert record["type"] == f"{event.variant}_{event.kind}"
        assert event.obscuration == record["extraInfo"]["obscuration"]
        assert time == datetime.fromisoformat(highlights["peak"]["date"])
        assert event.upstream_body == record
        assert event.visible is (highlights["peak"]["altitude"] > 0)
    return f"{len(records)} eclipse(s) of AstronomyAPI"


def _refused(content: bytes) -> str:
    """Check that a body without events, whatever its status was, is taken for none."""
    try:
        found = announced_events(json.loads(content), _PLACE)
    except ValueError as error:
        return f"no events of AstronomyAPI: {error}"
    # Rows of positions: each is refused by itself.
    assert not found.events
    assert found.unread
    return f"no events of AstronomyAPI: {len(found.unread)} row(s) of something else"


CHECKS: list[tuple[str, Callable[[bytes], str]]] = [
    ("astronomyapi/events_*_rows*.json", _rows),
    ("astronomyapi/error_*.json", _refused),
    ("astronomyapi/positions*.json", _refused),
]
