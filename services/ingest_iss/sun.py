"""Where the Sun is, and whether a satellite sees it. Pure functions."""

import math
from datetime import datetime
from typing import NamedTuple

from services.ingest_iss.earth import Vector, days_since_j2000, dot, wrapped_deg

ASTRONOMICAL_UNIT_KM = 149_597_870.7
SUN_RADIUS_KM = 695_700.0
# The equatorial radius; for a low orbit, the shadow's edge is within 20 km of this sphere's.
SHADOW_RADIUS_KM = 6378.137


class Subsolar(NamedTuple):
    """The place on the ground with the Sun in the zenith; degrees, longitude in [-180, 180)."""

    latitude_deg: float
    longitude_deg: float


def sun_position(when: datetime) -> Vector:
    """Return the apparent geocentric position of the Sun in km, mean equator and equinox of date.

    By the low-precision formulas of the Astronomical Almanac (page C5), good to 0.01 deg from 1950
    to 2050. Their frame differs from TEME by the nutation, less than 0.005 deg.
    """
    n = days_since_j2000(when)
    anomaly = math.radians(357.528 + 0.9856003 * n)
    longitude = math.radians(
        280.460 + 0.9856474 * n + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly)
    )
    obliquity = math.radians(23.439 - 0.0000004 * n)
    distance = ASTRONOMICAL_UNIT_KM * (
        1.00014 - 0.01671 * math.cos(anomaly) - 0.00014 * math.cos(2 * anomaly)
    )
    return Vector(
        distance * math.cos(longitude),
        distance * math.cos(obliquity) * math.sin(longitude),
        distance * math.sin(obliquity) * math.sin(longitude),
    )


def subsolar_point(sun: Vector, gmst: float) -> Subsolar:
    """Return the subsolar point; as at wheretheiss.at, its latitude is the Sun's declination.

    Args:
        sun: The Sun's geocentric position.
        gmst: Greenwich mean sidereal time in degrees.
    """
    return Subsolar(
        math.degrees(math.atan2(sun.z, math.hypot(sun.x, sun.y))),
        wrapped_deg(math.degrees(math.atan2(sun.y, sun.x)) - gmst),
    )


def in_umbra(satellite: Vector, sun: Vector) -> bool:
    """Tell whether the Earth hides the whole disc of the Sun from the satellite.

    The shadow is the cone behind a spherical Earth, by apparent radii (Montenbruck and Gill,
    Satellite Orbits, section 3.4.2): the Sun's disc lies inside the Earth's disc. In the penumbra,
    about eight seconds of an ISS orbit at each edge, the answer is still no. Neither flattening nor
    refraction is included; each moves the edge by seconds.

    Args:
        satellite: The satellite's geocentric position in km, outside the Earth.
        sun: The Sun's geocentric position in km, in the same frame.
    """
    to_sun = Vector(sun.x - satellite.x, sun.y - satellite.y, sun.z - satellite.z)
    height = math.sqrt(dot(satellite, satellite))
    distance = math.sqrt(dot(to_sun, to_sun))
    earth_radius = math.asin(min(1.0, SHADOW_RADIUS_KM / height))
    sun_radius = math.asin(SUN_RADIUS_KM / distance)
    cosine = -dot(satellite, to_sun) / (height * distance)
    separation = math.acos(max(-1.0, min(1.0, cosine)))
    return separation <= earth_radius - sun_radius
