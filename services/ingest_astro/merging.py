"""Merges announced events with the computed events that they confirm. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from libs.common.events import AstroEvent, natural_key
from services.ingest_astro.computed.happening import Happening

# Two eclipses of one body are at least 29 days apart, and an eclipse lasts less than 6 h. So
# whichever moment the announcement gives as the peak, it is the same eclipse.
SAME_EVENT = timedelta(hours=6)
# About 1 km; announcements round the place.
_SAME_PLACE_DEG = 0.01


def confirm(
    computed: Iterable[Happening], announced: Sequence[Happening], by: str
) -> tuple[list[Happening], list[Happening]]:
    """Mark the computed events that are announced as well, and keep the announced records.

    Returns:
        The computed events, and the announced events that match none of them.
    """
    merged = []
    confirming: set[int] = set()
    for happening in computed:
        found = [i for i, other in enumerate(announced) if _same(happening, other)]
        confirming.update(found)
        merged.append(
            _confirmed(happening, [by], announced[found[0]].event.upstream_body)
            if found
            else happening
        )
    return merged, [other for i, other in enumerate(announced) if i not in confirming]


def keep_confirmations(
    happenings: Iterable[Happening], known: Mapping[str, AstroEvent]
) -> list[Happening]:
    """Mark the events that were confirmed before: a confirmation need not be repeated every day."""
    kept = []
    for happening in happenings:
        earlier = known.get(natural_key(happening.event, happening.time))
        kept.append(
            _confirmed(happening, earlier.confirmed_by, earlier.upstream_body)
            if earlier
            else happening
        )
    return kept


def _confirmed(happening: Happening, by: Iterable[str], record: dict[str, Any] | None) -> Happening:
    """Return an event with more names in `confirmed_by`, and the record that one of them sent."""
    names = sorted({*happening.event.confirmed_by, *by})
    changes = {"confirmed_by": names, "upstream_body": record}
    return happening._replace(event=happening.event.model_copy(update=changes))


def _same(computed: Happening, announced: Happening) -> bool:
    one, other = computed.event, announced.event
    return (
        one.kind is other.kind
        and abs(computed.time - announced.time) <= SAME_EVENT
        and _same_place(one, other)
    )


def _same_place(one: AstroEvent, other: AstroEvent) -> bool:
    if one.observer is None or other.observer is None:
        return one.observer is other.observer
    return (
        abs(one.observer.latitude_deg - other.observer.latitude_deg) <= _SAME_PLACE_DEG
        and abs(one.observer.longitude_deg - other.observer.longitude_deg) <= _SAME_PLACE_DEG
    )
