"""The Moon's four phases: its geocentric ecliptic longitude less the Sun's, both apparent. Pure.

The library's own search ignores the Sun's aberration, and is 40 s late.
"""

import math
from collections.abc import Iterator
from typing import Any

import astronomy

from libs.common.events import AstroEvent, AstroKind
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.sky import MOON, SUN, Sky, when_ahead
from services.ingest_astro.computed.times import Window, moment_of, time_of

# Mean new moon of 6 January 2000, in days from J2000, and the mean synodic month (Meeus,
# Astronomical Algorithms, chapter 49).
_FIRST_NEW_MOON_D = 5.09766
SYNODIC_MONTH_D = 29.530588861
# A phase is at most 15 h from its mean; this is twice that, on either side.
_MARGIN_D = 1.25
NEW, FIRST_QUARTER, FULL, LAST_QUARTER = range(4)
_VARIANTS = ("new", "first_quarter", "full", "last_quarter")
_TITLES = ("New Moon", "First quarter of the Moon", "Full Moon", "Last quarter of the Moon")


def moon_phases(window: Window, sky: Sky) -> Iterator[Happening]:
    """Find all phases."""
    del sky
    for quarter, time in phase_times(window, (NEW, FIRST_QUARTER, FULL, LAST_QUARTER)):
        yield Happening(
            moment_of(time),
            AstroEvent(
                kind=AstroKind.MOON_PHASE,
                variant=_VARIANTS[quarter],
                title=_TITLES[quarter],
                bodies=[MOON],
            ),
        )


def phase_times(window: Window, quarters: tuple[int, ...]) -> Iterator[tuple[int, Any]]:
    """Find phases in and next to a window; each search starts at its own lunation.

    Yields:
        The quarter (0 new, 1 first, 2 full, 3 last) and its time.
    """
    first, last = (time_of(moment).ut for moment in (window.start, window.end))
    lunations = range(_lunation(first) - 1, _lunation(last) + 2)
    for lunation in lunations:
        for quarter in quarters:
            mean_d = _FIRST_NEW_MOON_D + SYNODIC_MONTH_D * (lunation + quarter / 4)
            begin, end = (astronomy.Time(mean_d + margin) for margin in (-_MARGIN_D, _MARGIN_D))
            time = when_ahead(MOON, SUN, quarter * 90.0, begin, end)
            if time is None:
                raise ArithmeticError(f"no phase {quarter} in lunation {lunation}")
            yield quarter, time


def _lunation(days: float) -> int:
    return math.floor((days - _FIRST_NEW_MOON_D) / SYNODIC_MONTH_D)
