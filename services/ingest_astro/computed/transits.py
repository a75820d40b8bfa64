"""Transits of Mercury and Venus across the Sun, seen from the Earth's centre. Pure."""

from collections.abc import Iterator

import astronomy

from libs.common.events import AstroContact, AstroEvent, AstroKind
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.sky import (
    INNER_PLANETS,
    SUN,
    Sky,
    body_of,
    place_of,
    separation_deg,
)
from services.ingest_astro.computed.times import Window, moment_of, rounded

# The Sun's radius is 0.27 deg; at conjunction a planet may be a little further away than at its
# closest approach.
_NEAR_DEG = 0.5
_ARCMINUTES_PER_DEG = 60.0


def planet_transits(window: Window, sky: Sky) -> Iterator[Happening]:
    """Find all transits; they are rare: the next ones are Mercury's of 2032 and 2039."""
    del window
    for planet in INNER_PLANETS:
        for time in sky.crossings(planet, SUN, 0.0):
            behind = place_of(planet, time).distance_au > place_of(SUN, time).distance_au
            if behind or separation_deg(planet, SUN, time) > _NEAR_DEG:
                continue
            found = astronomy.SearchTransit(body_of(planet), time.AddDays(-5.0))
            # If the planet passes above or below the Sun, the search found a transit years later.
            if abs(found.peak.ut - time.ut) > 1:
                continue
            start, peak, end = (moment_of(t) for t in (found.start, found.peak, found.finish))
            yield Happening(
                peak,
                AstroEvent(
                    kind=AstroKind.PLANET_TRANSIT,
                    variant="transit",
                    title=f"Transit of {planet.capitalize()} across the Sun",
                    bodies=[planet, SUN],
                    start=start,
                    end=end,
                    separation_deg=rounded(found.separation / _ARCMINUTES_PER_DEG, 4),
                    contacts=[
                        AstroContact(name="start", time=start),
                        AstroContact(name="peak", time=peak),
                        AstroContact(name="end", time=end),
                    ],
                ),
            )
