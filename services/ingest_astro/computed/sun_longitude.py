"""The Sun's apparent longitude to an arcsecond, which is 24 s of time. Pure.

The library's position of the Earth is good to about three arcseconds, which puts an equinox up to a
minute off.
"""

import math
from typing import Any

from services.ingest_astro.computed.sky import SUN, vector_of
from services.ingest_astro.computed.sun_terms import EARTH_LONGITUDE, NUTATION_IN_LONGITUDE

_DAYS_PER_CENTURY = 36_525.0
_ARCSECONDS_PER_DEG = 3_600.0
# From VSOP's frame to FK5 (Meeus, Astronomical Algorithms, chapter 32).
_TO_FK5_DEG = -0.09033 / _ARCSECONDS_PER_DEG
# The constant of aberration for a distance of 1 au (chapter 25).
_ABERRATION_DEG = -20.4898 / _ARCSECONDS_PER_DEG


def apparent_longitude_deg(time: Any) -> float:  # noqa: ANN401 - the library has no types
    """Return the Sun's apparent geocentric longitude, true equinox of date, 0 to 360."""
    centuries: float = time.tt / _DAYS_PER_CENTURY
    aberration: float = _ABERRATION_DEG / vector_of(SUN, time).Length()
    longitude = _earth_longitude_deg(centuries / 10) + 180.0 + _TO_FK5_DEG
    return (longitude + aberration + nutation_deg(centuries)) % 360.0


def _earth_longitude_deg(millennia: float) -> float:
    """Return the Earth's heliocentric longitude, mean equinox of date."""
    total = sum(
        sum(size * math.cos(phase + speed * millennia) for size, phase, speed in series)
        * millennia**power
        for power, series in enumerate(EARTH_LONGITUDE)
    )
    return math.degrees(total * 1e-8)


def nutation_deg(centuries: float) -> float:
    """Return the nutation in longitude, from Julian centuries of dynamical time since J2000."""
    t = centuries
    # The Moon's elongation, the anomalies of Sun and Moon, the Moon's latitude argument and node
    # (Meeus, Astronomical Algorithms, chapter 22).
    arguments = (
        297.85036 + 445_267.111480 * t - 0.0019142 * t**2,
        357.52772 + 35_999.050340 * t - 0.0001603 * t**2,
        134.96298 + 477_198.867398 * t + 0.0086972 * t**2,
        93.27191 + 483_202.017538 * t - 0.0036825 * t**2,
        125.04452 - 1_934.136261 * t + 0.0020708 * t**2,
    )
    total = sum(
        size * math.sin(math.radians(sum(n * a for n, a in zip(multiples, arguments, strict=True))))
        for multiples, size in NUTATION_IN_LONGITUDE
    )
    return total * 1e-4 / _ARCSECONDS_PER_DEG
