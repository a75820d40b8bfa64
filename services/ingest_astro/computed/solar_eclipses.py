"""Solar eclipses: for the Earth as a whole, and as one place sees them. Pure."""

from collections.abc import Iterator
from typing import Any

import astronomy

from libs.common.events import AstroContact, AstroEvent, AstroKind, AstroObserver
from services.ingest_astro.computed.eclipses import eclipses, seen_from
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.moon_phases import NEW
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
    """Find all solar eclipses visible anywhere on the Earth; the peak is the greatest eclipse."""
    del sky
    for peak, eclipse in eclipses(window, NEW, astronomy.SearchGlobalSolarEclipse):
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
    """Find the solar eclipses that an observer sees at least in part, refraction included."""
    place = library_observer(observer)

    def search(start: Any) -> Any:  # noqa: ANN401 - the library has no types
        return astronomy.SearchLocalSolarEclipse(start, place)

    for peak, eclipse in eclipses(window, NEW, search):
        contacts, altitude = _contacts(eclipse), rounded(eclipse.peak.altitude, 2)
        yield Happening(
            peak, seen_from(observer, AstroKind.SOLAR_ECLIPSE, eclipse, contacts, altitude)
        )


def _contacts(eclipse: Any) -> list[AstroContact]:  # noqa: ANN401 - the library has no types
    moments = [(name, getattr(eclipse, field)) for field, name in _CONTACTS.items()]
    return [
        AstroContact(
            name=name, time=moment_of(moment.time), altitude_deg=rounded(moment.altitude, 2)
        )
        for name, moment in moments
        if moment is not None
    ]
