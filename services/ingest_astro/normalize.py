"""Bodies of AstronomyAPI in, events out. Pure: no I/O, no clock.

Its keys are misspelt in its own samples (`patialEnd`, `pemumbralStart`) and correct in its
documentation; both spellings are read. A listed event may peak below the horizon.
"""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from libs.common.events import AstroContact, AstroEvent, AstroKind, AstroObserver, reason_of
from libs.common.upstream.records import storable_record
from services.ingest_astro.computed.happening import Happening

_TYPE = re.compile(r"(?P<variant>[a-z]{3,20})_(?P<body>solar|lunar)_eclipse")
_KINDS = {"solar": AstroKind.SOLAR_ECLIPSE, "lunar": AstroKind.LUNAR_ECLIPSE}
_BODIES = {"solar": "sun", "lunar": "moon"}
_CONTACTS = {
    "penumbralStart": "penumbral_start",
    "pemumbralStart": "penumbral_start",
    "partialStart": "partial_start",
    "totalStart": "total_start",
    "annularStart": "total_start",
    "fullStart": "total_start",
    "peak": "peak",
    "fullEnd": "total_end",
    "annularEnd": "total_end",
    "totalEnd": "total_end",
    "partialEnd": "partial_end",
    "patialEnd": "partial_end",
    "penumbralEnd": "penumbral_end",
    "pemumbralEnd": "penumbral_end",
}
_YEARS = range(1900, 2101)


class Unread(NamedTuple):
    """A record that became no event, and why."""

    record: object
    reason: str


class Announced(NamedTuple):
    """What a page announces."""

    events: list[Happening]
    unread: list[Unread]


def announced_events(body: object, observer: AstroObserver) -> Announced:
    """Read an answer of `/bodies/events/{sun|moon}` with `output=rows`.

    Args:
        body: The decoded JSON.
        observer: The place that was asked about.

    Raises:
        ValueError: The body is no such answer; the message says what was expected.
    """
    events, unread = [], []
    for record in _records(body):
        try:
            events.append(_event(record, observer))
        except ValidationError as error:
            unread.append(Unread(record, reason_of(error)))
        except ValueError as error:
            unread.append(Unread(record, str(error)))
    return Announced(events, unread)


def _records(body: object) -> Iterator[object]:
    if not isinstance(body, Mapping):
        raise ValueError(f"expected an object, got {type(body).__name__}")
    data = body.get("data")
    if not isinstance(data, Mapping):
        raise ValueError(f"expected an object under data, got one with {list(body)!r:.100}")
    rows = data.get("rows")
    if not isinstance(rows, list):
        raise ValueError(f"data.rows: expected a list, got {type(rows).__name__}")
    for row in rows:
        listed = row.get("events") if isinstance(row, Mapping) else None
        if isinstance(listed, list):
            yield from listed
        else:
            yield row  # it is no event, and `_event` refuses it


def _event(record: object, observer: AstroObserver) -> Happening:
    record = storable_record(record)
    found = _TYPE.fullmatch(str(record.get("type")))
    if not found:
        raise ValueError(f"type: expected an eclipse, got {record.get('type')!r:.60}")
    highlights = record.get("eventHighlights")
    if not isinstance(highlights, Mapping):
        raise ValueError(f"eventHighlights: expected an object, got {type(highlights).__name__}")
    contacts = sorted(_contacts(highlights), key=lambda contact: contact.time)
    if not contacts:
        raise ValueError("eventHighlights: expected at least one moment, all are null")
    peak = next((contact for contact in contacts if contact.name == "peak"), None)
    time = peak.time if peak else contacts[0].time + (contacts[-1].time - contacts[0].time) / 2
    altitude = peak.altitude_deg if peak else None
    variant = found["variant"]
    return Happening(
        time,
        AstroEvent(
            kind=_KINDS[found["body"]],
            variant=variant,
            title=f"{variant.capitalize()} {found['body']} eclipse seen from {observer.name}"[:200],
            bodies=[_BODIES[found["body"]]],
            start=contacts[0].time,
            end=contacts[-1].time,
            obscuration=_obscuration(record.get("extraInfo")),
            altitude_deg=altitude,
            observer=observer,
            visible=None if altitude is None else altitude > 0,
            contacts=contacts,
            upstream_body=record,
        ),
    )


def _contacts(highlights: Mapping[str, Any]) -> Iterator[AstroContact]:
    given: dict[str, AstroContact] = {}
    for key, name in _CONTACTS.items():
        value = highlights.get(key)
        if value is None or name in given:
            continue
        if not isinstance(value, Mapping):
            raise ValueError(f"{key}: expected date and altitude, got {value!r:.60}")
        given[name] = AstroContact(
            name=name, time=_moment(key, value.get("date")), altitude_deg=_number(value, "altitude")
        )
    yield from given.values()


def _moment(key: str, value: object) -> datetime:
    # The offset is a constant and says nothing about the place: only the moment counts.
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None and moment.year in _YEARS:
            return moment.astimezone(UTC)
    raise ValueError(f"{key}.date: expected an ISO time with its offset, got {value!r:.60}")


def _number(place: Mapping[str, Any], field: str) -> float | None:
    value = place.get(field)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        # JSON allows integers that no float holds.
        with suppress(OverflowError):
            if math.isfinite(number := float(value)):
                return number
    raise ValueError(f"{field}: expected a number, got {value!r:.40}")


def _obscuration(extra: object) -> float | None:
    return _number(extra, "obscuration") if isinstance(extra, Mapping) else None
