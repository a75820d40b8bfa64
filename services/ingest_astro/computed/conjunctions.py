"""Conjunctions: two bodies with the same geocentric ecliptic longitude of date. Pure.

They are in longitude, not in right ascension as in the Almanac's diary, whose times differ by hours
to days for slow planets. With the Sun they are solar conjunctions, inferior or superior.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from libs.common.events import AstroEvent, AstroKind
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.sky import (
    INNER_PLANETS,
    MOON,
    PLANETS,
    SUN,
    Sky,
    place_of,
    separation_deg,
)
from services.ingest_astro.computed.times import Window, moment_of, rounded


def conjunctions(window: Window, sky: Sky) -> Iterator[Happening]:
    """Find all conjunctions of planets with each other, with the Moon and with the Sun."""
    del window
    pairs = [*combinations(PLANETS, 2), *((MOON, planet) for planet in PLANETS)]
    for one, other in pairs:
        for time in sky.crossings(one, other, 0.0):
            yield Happening(moment_of(time), _near_each_other(one, other, time))
    for planet in PLANETS:
        for time in sky.crossings(planet, SUN, 0.0):
            yield Happening(moment_of(time), _with_the_sun(planet, time))


def _near_each_other(one: str, other: str, time: Any) -> AstroEvent:  # noqa: ANN401 - no types
    return AstroEvent(
        kind=AstroKind.CONJUNCTION,
        variant="moon_planet" if one == MOON else "planets",
        title=f"{one.capitalize()} in conjunction with {other.capitalize()}",
        bodies=[one, other],
        separation_deg=rounded(separation_deg(one, other, time)),
        elongation_deg=rounded(separation_deg(one, SUN, time)),
    )


def _with_the_sun(planet: str, time: Any) -> AstroEvent:  # noqa: ANN401 - no types
    variant, title = "solar", f"{planet.capitalize()} in conjunction with the Sun"
    if planet in INNER_PLANETS:
        nearer = place_of(planet, time).distance_au < place_of(SUN, time).distance_au
        variant = "inferior" if nearer else "superior"
        title = f"{planet.capitalize()} in {variant} conjunction with the Sun"
    return AstroEvent(
        kind=AstroKind.CONJUNCTION,
        variant=variant,
        title=title,
        bodies=[planet, SUN],
        separation_deg=rounded(separation_deg(planet, SUN, time)),
    )
