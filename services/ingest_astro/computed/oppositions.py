"""Oppositions: an outer planet at 180 deg of geocentric ecliptic longitude from the Sun. Pure."""

from collections.abc import Iterator

import astronomy

from libs.common.events import AstroEvent, AstroKind
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.sky import OUTER_PLANETS, SUN, Sky, body_of, separation_deg
from services.ingest_astro.computed.times import Window, moment_of, rounded


def oppositions(window: Window, sky: Sky) -> Iterator[Happening]:
    """Find all oppositions."""
    del window
    for planet in OUTER_PLANETS:
        for time in sky.crossings(planet, SUN, 180.0):
            yield Happening(
                moment_of(time),
                AstroEvent(
                    kind=AstroKind.OPPOSITION,
                    variant="opposition",
                    title=f"{planet.capitalize()} at opposition",
                    bodies=[planet],
                    magnitude=rounded(astronomy.Illumination(body_of(planet), time).mag, 2),
                    elongation_deg=rounded(separation_deg(planet, SUN, time)),
                ),
            )
