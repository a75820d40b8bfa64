"""Solar eclipses: for the Earth as a whole, and as one place sees them. Pure."""

from collections.abc import Iterator
from typing import Any

import astronomy

from libs.common.events import AstroContact, AstroEvent, AstroKind, AstroObserver
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.lunar_eclipses import MAX_LATITUDE_DEG
from services.ingest_astro.computed.moon_phases import NEW, phase_times
from services.ingest_astro.computed.places import library_observer
from services.ingest_astro.computed.sky import SUN, Sky
from services.ingest_astro.computed.times import Window, moment_of, rounded

_CONTACTS = {
    "partial_begin": "partial_start",
    "total_begin": "total_start",
    "peak": "peak",
    "total_end": "total_end",
    "partial_end": "partial_end",
}


def solar_eclipses(window: Window, sky: Sky) -> Iterator[Happening]:
    """Find all solar eclipses that some place on the Earth sees; the peak is greatest eclipse."""
    del sky
    for new_moon in _candidates(window):
        eclipse = astronomy.SearchGlobalSolarEclipse(new_moon.AddDays(-1.0))
        # Where this new moon has none, the search went on to another.
        if (
            abs(eclipse.peak.ut - new_moon.ut) > 1
            or (peak := moment_of(eclipse.peak)) not in window
        ):
            continue
        variant = eclipse.kind.name.lower()
        central = variant != "partial"
        yield Happening(
            peak,
            AstroEvent(
                kind=AstroKind.SOLAR_ECLIPSE,
                variant=variant,
                title=f"{variant.capitalize()} solar eclipse",
                bodies=[SUN],
                obscuration=rounded(eclipse.obscuration) if central else None,
                latitude_deg=rounded(eclipse.latitude, 2) if central else None,
                longitude_deg=rounded(eclipse.longitude, 2) if central else None,
            ),
        )


def local_solar_eclipses(window: Window, observer: AstroObserver) -> Iterator[Happening]:
    """Find the solar eclipses of which an observer sees some part, refraction included."""
    place = library_observer(observer)
    for new_moon in _candidates(window):
        eclipse = astronomy.SearchLocalSolarEclipse(new_moon.AddDays(-1.0), place)
        peak = moment_of(eclipse.peak.time)
        if abs(eclipse.peak.time.ut - new_moon.ut) > 1 or peak not in window:
            continue
        variant = eclipse.kind.name.lower()
        contacts = _contacts(eclipse)
        altitude = rounded(eclipse.peak.altitude, 2)
        yield Happening(
            peak,
            AstroEvent(
                kind=AstroKind.SOLAR_ECLIPSE,
                variant=variant,
                title=f"{variant.capitalize()} solar eclipse seen from {observer.name}"[:200],
                bodies=[SUN],
                start=contacts[0].time,
                end=contacts[-1].time,
                obscuration=rounded(eclipse.obscuration),
                altitude_deg=altitude,
                observer=observer,
                visible=altitude > 0,
                contacts=contacts,
            ),
        )


def _candidates(window: Window) -> Iterator[Any]:
    for _, new_moon in phase_times(window, (NEW,)):
        if abs(astronomy.EclipticGeoMoon(new_moon).lat) < MAX_LATITUDE_DEG:
            yield new_moon


def _contacts(eclipse: Any) -> list[AstroContact]:  # noqa: ANN401 - the library has no types
    moments = [(name, getattr(eclipse, field)) for field, name in _CONTACTS.items()]
    return [
        AstroContact(
            name=name, time=moment_of(moment.time), altitude_deg=rounded(moment.altitude, 2)
        )
        for name, moment in moments
        if moment is not None
    ]
