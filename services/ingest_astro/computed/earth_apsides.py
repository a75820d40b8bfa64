"""Perihelion and aphelion: the extremes of the distance of the Earth's centre to the Sun. Pure."""

from collections.abc import Iterator

import astronomy

from libs.common.events import AstroEvent, AstroKind
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.sky import Sky
from services.ingest_astro.computed.times import Window, moment_of, rounded

# Perihelion falls on 2 to 6 January, aphelion on 3 to 7 July.
_BEGINNINGS = ((-1, 12, 10), (0, 6, 10))


def earth_apsides(window: Window, sky: Sky) -> Iterator[Happening]:
    """Find all perihelia and aphelia."""
    del sky
    for year in window.years():
        for offset, month, day in _BEGINNINGS:
            begin = astronomy.Time.Make(year + offset, month, day, 0, 0, 0.0)
            found = astronomy.SearchPlanetApsis(astronomy.Body.Earth, begin)
            nearest = found.kind is astronomy.ApsisKind.Pericenter
            yield Happening(
                moment_of(found.time),
                AstroEvent(
                    kind=AstroKind.EARTH_APSIS,
                    variant="perihelion" if nearest else "aphelion",
                    title=f"Earth at {'perihelion' if nearest else 'aphelion'}",
                    bodies=["earth"],
                    distance_km=rounded(found.dist_km, 0),
                ),
            )
