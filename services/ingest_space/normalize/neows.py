"""The feed of near-Earth objects (NeoWs). Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from libs.common.events import NearEarthObject, NearEarthObjectEvent, Provenance
from services.ingest_space.normalize.envelopes import page_object
from services.ingest_space.normalize.fields import (
    MONTHS,
    day,
    flag,
    link,
    moment,
    name,
    number,
    part,
    required_name,
)
from services.ingest_space.normalize.records import Page, Record, read_records

# Milliseconds of the years 1900 and 2200, where the feed's dates end.
_EARLIEST_MS, _LATEST_MS = -2_208_988_800_000, 7_258_118_400_000


def approach_events(document: Any, provenance: Provenance) -> Page:  # noqa: ANN401 - any JSON
    """Read a feed: one event per object, day and body that it passes.

    Raises:
        ValueError: The document is an error, or nothing in it is an asteroid.
    """
    days = page_object(document).get("near_earth_objects")
    if not isinstance(days, dict):
        raise ValueError(f"near_earth_objects: expected an object, got {type(days).__name__}")
    return read_records(_approaches(days), lambda record: _event(record, provenance))


def _approaches(days: dict[str, Any]) -> Iterator[object]:
    """Yield each object once per approach, with only that approach in its list.

    The feed lists an object under the date of its approach, with only that approach; should it list
    several, each becomes an event of its own.
    """
    for date_key in sorted(days):
        records = days[date_key]
        for record in records if isinstance(records, list) else [records]:
            approaches = record.get("close_approach_data") if isinstance(record, dict) else None
            if not isinstance(approaches, list) or len(approaches) < 2:  # noqa: PLR2004 - several
                yield record
                continue
            for approach in approaches:
                yield {**record, "close_approach_data": [approach]}


def _event(record: Record, provenance: Provenance) -> NearEarthObjectEvent:
    approaches = record.get("close_approach_data")
    approach = approaches[0] if isinstance(approaches, list) and approaches else None
    if not isinstance(approach, dict):
        raise ValueError(f"close_approach_data: expected an approach, got {approaches!r:.40}")
    time = _time_of(approach)
    metres = part(part(record, "estimated_diameter"), "meters")
    velocity = part(approach, "relative_velocity")
    miss = part(approach, "miss_distance")
    passage = NearEarthObject(
        # Answers from 2018 and before have only the second field.
        neo_id=required_name(record, "id", "neo_reference_id"),
        name=required_name(record, "name"),
        approach_date=_date_of(approach, time),
        approach_time=time,
        orbiting_body=name(approach.get("orbiting_body")) or "Earth",
        absolute_magnitude=number(record.get("absolute_magnitude_h")),
        diameter_min_m=number(metres.get("estimated_diameter_min"), low=0),
        diameter_max_m=number(metres.get("estimated_diameter_max"), low=0),
        is_potentially_hazardous=flag(record.get("is_potentially_hazardous_asteroid")),
        is_sentry_object=flag(record.get("is_sentry_object")),
        relative_velocity_km_s=number(velocity.get("kilometers_per_second"), low=0),
        miss_distance_km=number(miss.get("kilometers"), low=0),
        miss_distance_ld=number(miss.get("lunar"), low=0),
        miss_distance_au=number(miss.get("astronomical"), low=0),
        jpl_url=link(record.get("nasa_jpl_url")),
        upstream_body=record,
    )
    return NearEarthObjectEvent.of_approach(passage, provenance=provenance)


def _time_of(approach: Record) -> datetime | None:
    milliseconds = number(
        approach.get("epoch_date_close_approach"), low=_EARLIEST_MS, high=_LATEST_MS
    )
    if milliseconds is not None:
        return datetime.fromtimestamp(milliseconds / 1_000, UTC)
    full = approach.get("close_approach_date_full")
    if not isinstance(full, str):
        return None
    try:
        # Such as "2015-Sep-08 20:28"; parsed without `strptime`, which depends on the locale.
        year, month, rest = full.strip().split("-", 2)
        return moment(f"{year}-{MONTHS.index(month.title()) + 1:02}-{rest}")
    except ValueError:
        return None


def _date_of(approach: Record, time: datetime | None) -> date:
    found = day(approach.get("close_approach_date"))
    if found is None and time is not None:
        found = time.date()
    if found is None:
        value = approach.get("close_approach_date")
        raise ValueError(f"close_approach_date: expected a date, got {value!r:.40}")
    return found
