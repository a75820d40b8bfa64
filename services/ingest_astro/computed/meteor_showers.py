"""Meteor showers: the Sun reaches the longitude at which the Earth meets the swarm. Pure."""

import math
from collections.abc import Iterator
from typing import Any

import astronomy

from libs.common.events import AstroEvent, AstroKind
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.shower_table import SHOWERS, Shower
from services.ingest_astro.computed.sky import Sky, half_turn
from services.ingest_astro.computed.times import Window, moment_of

# Mean obliquity at J2000, IAU 2006, in degrees.
_OBLIQUITY = math.radians(84_381.406 / 3_600)
_DEG_PER_DAY = 360 / 365.25
# 1 March: no shower peaks within weeks of it, so each year from here has each shower once.
_BEGINNING = (3, 1)
_ENOUGH_DEG = 1e-6


def meteor_showers(window: Window, sky: Sky) -> Iterator[Happening]:
    """Find the maxima of all showers of the table, with the period of their activity."""
    del sky
    first, last = window.years().start - 1, window.years().stop
    for year in range(first, last):
        begin = astronomy.Time.Make(year, *_BEGINNING, 0, 0, 0.0)
        for shower in SHOWERS:
            peak = _when(shower.peak_deg, begin)
            if moment_of(peak) in window:
                yield Happening(moment_of(peak), _event(shower, peak))


def solar_longitude_deg(time: Any) -> float:  # noqa: ANN401 - the library has no types
    """Return the Sun's geometric geocentric longitude, ecliptic and equinox J2000.

    Aberration is left out: it is 8 minutes, while the tables give a tenth of a degree, 2.4 h.
    """
    earth = astronomy.HelioVector(astronomy.Body.Earth, time)
    x, y, z = -earth.x, -earth.y, -earth.z
    north = y * math.cos(_OBLIQUITY) + z * math.sin(_OBLIQUITY)
    return math.degrees(math.atan2(north, x)) % 360.0


def _when(longitude_deg: float, begin: Any) -> Any:  # noqa: ANN401 - the library has no types
    """Find when the Sun next has a longitude after a time; ten steps are more than enough."""
    time = begin.AddDays(((longitude_deg - solar_longitude_deg(begin)) % 360.0) / _DEG_PER_DAY)
    for _ in range(10):
        missing = half_turn(longitude_deg - solar_longitude_deg(time))
        time = time.AddDays(missing / _DEG_PER_DAY)
        if abs(missing) < _ENOUGH_DEG:
            break
    return time


def _event(shower: Shower, peak: Any) -> AstroEvent:  # noqa: ANN401 - the library has no types
    return AstroEvent(
        kind=AstroKind.METEOR_SHOWER,
        variant="peak",
        title=f"Maximum of the {shower.name}",
        bodies=[],
        start=moment_of(_near(shower.peak_deg - shower.before_deg, peak, -shower.before_deg)),
        end=moment_of(_near(shower.peak_deg + shower.after_deg, peak, shower.after_deg)),
        solar_longitude_deg=shower.peak_deg,
        zenithal_hourly_rate=float(shower.zhr),
        radiant_ra_deg=float(shower.radiant_ra_deg),
        radiant_dec_deg=float(shower.radiant_dec_deg),
        speed_kms=float(shower.speed_kms),
        iau_code=shower.iau_code,
    )


def _near(longitude_deg: float, peak: Any, offset_deg: float) -> Any:  # noqa: ANN401 - as above
    return _when(longitude_deg % 360.0, peak.AddDays(offset_deg / _DEG_PER_DAY - 5.0))
