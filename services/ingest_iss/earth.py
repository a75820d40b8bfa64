"""The Earth under an orbit: its rotation, its shape, and how much of it a satellite sees.

Pure functions. A vector is in kilometres and, unless said otherwise, in TEME: the frame of SGP4,
true equator and mean equinox of date.
"""

import math
from datetime import UTC, datetime
from typing import NamedTuple

# WGS84 (NIMA TR8350.2): semi-major axis in km, flattening.
WGS84_A_KM = 6378.137
WGS84_F = 1 / 298.257223563
# The upstream's own figures for the footprint: the equatorial radius of WGS72, and twice the mean
# radius. With them, computed footprints continue live ones without a jump.
FOOTPRINT_RADIUS_KM = 6378.135
FOOTPRINT_DIAMETER_KM = 12756.33

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_JULIAN_DAY_OF_UNIX_EPOCH = 2440587.5
_DAY_S = 86_400.0
_JULIAN_CENTURY_D = 36_525.0


class Vector(NamedTuple):
    """A vector in three dimensions."""

    x: float
    y: float
    z: float


class Geodetic(NamedTuple):
    """A place relative to the WGS84 ellipsoid: degrees, longitude in [-180, 180), kilometres."""

    latitude_deg: float
    longitude_deg: float
    altitude_km: float


def dot(a: Vector, b: Vector) -> float:
    """Return the scalar product."""
    return a.x * b.x + a.y * b.y + a.z * b.z


def julian_day(when: datetime) -> float:
    """Return the Julian day of an aware time; as one float it is good to about 40 microseconds."""
    return (when - _UNIX_EPOCH).total_seconds() / _DAY_S + _JULIAN_DAY_OF_UNIX_EPOCH


def days_since_j2000(when: datetime) -> float:
    """Return the days since 2000-01-01 12:00, using UTC in place of every time scale.

    The uniform scales are about 70 s ahead of UTC, or 0.0008 deg of the Sun's longitude.
    """
    return (when - _J2000).total_seconds() / _DAY_S


def wrapped_deg(angle_deg: float) -> float:
    """Return the same direction in [-180, 180) degrees."""
    return (angle_deg + 180) % 360 - 180


def gmst_deg(when: datetime) -> float:
    """Return Greenwich mean sidereal time in degrees, 0 to 360.

    IAU 1982 (Aoki et al., Astronomy and Astrophysics 105, 1982), by which SGP4's frame is defined
    (Vallado et al., AIAA 2006-6753). UTC is used for UT1, from which it is kept within 0.9 s: at
    most 0.004 deg of rotation, or 0.42 km on the equator. Polar motion (15 m) is left out.
    """
    t = days_since_j2000(when) / _JULIAN_CENTURY_D
    seconds = (
        67_310.54841 + (876_600 * 3_600 + 8_640_184.812866) * t + 0.093104 * t**2 - 6.2e-6 * t**3
    )
    return seconds % _DAY_S / 240


def geodetic(position: Vector, gmst: float) -> Geodetic:
    """Return the place on and above WGS84 of a TEME position.

    The latitude is by Bowring's method (Survey Review 23, 1976) in two steps: one leaves an error
    of 2 cm at 2,000 km, two leave less than a micrometre. The formula for the altitude holds at the
    poles too.

    Args:
        position: Kilometres, TEME.
        gmst: Greenwich mean sidereal time in degrees.
    """
    p = math.hypot(position.x, position.y)
    b = WGS84_A_KM * (1 - WGS84_F)
    e2 = WGS84_F * (2 - WGS84_F)
    latitude = math.atan2(position.z, p * (1 - e2))
    for _ in range(2):
        reduced = math.atan2((1 - WGS84_F) * math.sin(latitude), math.cos(latitude))
        latitude = math.atan2(
            position.z + e2 / (1 - e2) * b * math.sin(reduced) ** 3,
            p - e2 * WGS84_A_KM * math.cos(reduced) ** 3,
        )
    sine = math.sin(latitude)
    altitude = p * math.cos(latitude) + position.z * sine - WGS84_A_KM * math.sqrt(1 - e2 * sine**2)
    longitude = wrapped_deg(math.degrees(math.atan2(position.y, position.x)) - gmst)
    return Geodetic(math.degrees(latitude), longitude, altitude)


def footprint_km(altitude_km: float) -> float:
    """Return the diameter, along the ground, of the circle that sees the satellite.

    On a sphere, at elevation zero and without refraction: the formula of wheretheiss.at.
    """
    return FOOTPRINT_DIAMETER_KM * math.acos(
        FOOTPRINT_RADIUS_KM / (FOOTPRINT_RADIUS_KM + altitude_km)
    )
