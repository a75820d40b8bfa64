"""Lunar eclipses: the same moments for everybody, and how high the Moon stands for one. Pure."""

from collections.abc import Iterator
from typing import Any

import astronomy

from libs.common.events import AstroContact, AstroEvent, AstroKind, AstroObserver
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.moon_phases import FULL, phase_times
from services.ingest_astro.computed.places import altitude_deg, library_observer
from services.ingest_astro.computed.sky import MOON, Sky
from services.ingest_astro.computed.times import Window, moment_of, rounded

# No eclipse when the full or new Moon is further from the ecliptic: 1.6 and 1.58 deg are the
# limits (Meeus, Astronomical Algorithms, chapter 54).
MAX_LATITUDE_DEG = 1.7
_MINUTES_PER_DAY = 1_440.0


def lunar_eclipses(window: Window, sky: Sky) -> Iterator[Happening]:
    """Find all lunar eclipses."""
    del sky
    for eclipse in _eclipses(window):
        variant = eclipse.kind.name.lower()
        contacts = [
            AstroContact(name=name, time=moment_of(time)) for name, time in _contacts(eclipse)
        ]
        yield Happening(
            moment_of(eclipse.peak),
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
    """Find the lunar eclipses of which an observer sees some part."""
    place = library_observer(observer)
    for eclipse in _eclipses(window):
        contacts = [
            AstroContact(
                name=name, time=moment_of(time), altitude_deg=altitude_deg(MOON, place, time)
            )
            for name, time in _contacts(eclipse)
        ]
        if all((contact.altitude_deg or 0) <= 0 for contact in contacts):
            continue
        variant = eclipse.kind.name.lower()
        altitude = altitude_deg(MOON, place, eclipse.peak)
        yield Happening(
            moment_of(eclipse.peak),
            AstroEvent(
                kind=AstroKind.LUNAR_ECLIPSE,
                variant=variant,
                title=f"{variant.capitalize()} lunar eclipse seen from {observer.name}"[:200],
                bodies=[MOON],
                start=contacts[0].time,
                end=contacts[-1].time,
                obscuration=rounded(eclipse.obscuration),
                altitude_deg=altitude,
                observer=observer,
                visible=altitude > 0,
                contacts=contacts,
            ),
        )


def _eclipses(window: Window) -> Iterator[Any]:
    for _, full_moon in phase_times(window, (FULL,)):
        if abs(astronomy.EclipticGeoMoon(full_moon).lat) > MAX_LATITUDE_DEG:
            continue
        eclipse = astronomy.SearchLunarEclipse(full_moon.AddDays(-1.0))
        # Where this full moon has none, the search went on to another.
        if abs(eclipse.peak.ut - full_moon.ut) < 1 and moment_of(eclipse.peak) in window:
            yield eclipse


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
