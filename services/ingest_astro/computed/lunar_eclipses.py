"""Lunar eclipses: their moments, and how high the Moon stands at one place. Pure."""

from collections.abc import Iterator
from typing import Any

import astronomy

from libs.common.events import AstroContact, AstroEvent, AstroKind, AstroObserver
from services.ingest_astro.computed.eclipses import eclipses, seen_from
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.moon_phases import FULL
from services.ingest_astro.computed.places import altitude_deg, library_observer
from services.ingest_astro.computed.sky import MOON, Sky
from services.ingest_astro.computed.times import Window, moment_of, rounded

_MINUTES_PER_DAY = 1_440.0


def lunar_eclipses(window: Window, sky: Sky) -> Iterator[Happening]:
    """Find all lunar eclipses."""
    del sky
    for peak, eclipse in eclipses(window, FULL, astronomy.SearchLunarEclipse):
        variant = eclipse.kind.name.lower()
        contacts = [
            AstroContact(name=name, time=moment_of(time)) for name, time in _contacts(eclipse)
        ]
        yield Happening(
            peak,
            AstroEvent(
                kind=AstroKind.LUNAR_ECLIPSE,
                variant=variant,
                title=f"{variant.capitalize()} lunar eclipse",
                bodies=[MOON],
                start=contacts[0].time,
                end=contacts[-1].time,
                obscuration=rounded(eclipse.obscuration),
                contacts=contacts,
            ),
        )


def local_lunar_eclipses(window: Window, observer: AstroObserver) -> Iterator[Happening]:
    """Find the lunar eclipses that an observer sees at least in part."""
    place = library_observer(observer)
    for peak, eclipse in eclipses(window, FULL, astronomy.SearchLunarEclipse):
        contacts = [
            AstroContact(
                name=name, time=moment_of(time), altitude_deg=altitude_deg(MOON, place, time)
            )
            for name, time in _contacts(eclipse)
        ]
        if all((contact.altitude_deg or 0) <= 0 for contact in contacts):
            continue
        altitude = altitude_deg(MOON, place, eclipse.peak)
        yield Happening(
            peak,
            seen_from(observer, AstroKind.LUNAR_ECLIPSE, eclipse, contacts, altitude),
        )


def _contacts(eclipse: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 - the library has no types
    halves = {
        "penumbral": eclipse.sd_penum,
        "partial": eclipse.sd_partial,
        "total": eclipse.sd_total,
    }
    there = [(name, minutes / _MINUTES_PER_DAY) for name, minutes in halves.items() if minutes > 0]
    return [
        *((f"{name}_start", eclipse.peak.AddDays(-half)) for name, half in there),
        ("peak", eclipse.peak),
        *((f"{name}_end", eclipse.peak.AddDays(half)) for name, half in reversed(there)),
    ]
