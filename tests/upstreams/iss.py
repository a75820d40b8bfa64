"""A plausible ISS for the simulators: a circular orbit that the Earth's flattening turns.

It shares nothing with the orbit model of the services. SGP4 on `elements(t)` stays within some
20 km of `place(t)`: whoever changes from one simulator to the other sees no jump.
"""

import math
from typing import NamedTuple

EARTH_RADIUS_KM = 6378.137
FLATTENING = 1 / 298.257223563
MU_KM3_S2 = 398_600.4418
J2 = 1.08262668e-3
DAY_S = 86_400.0

INCLINATION = math.radians(51.64)
PERIOD_S = 92.9 * 60
MEAN_MOTION = 2 * math.pi / PERIOD_S
RADIUS_KM = math.cbrt(MU_KM3_S2 / MEAN_MOTION**2)
SPEED_KMH = math.sqrt(MU_KM3_S2 / RADIUS_KM) * 3_600
# Secular rates by J2, to first order.
_RATE = 1.5 * J2 * (EARTH_RADIUS_KM / RADIUS_KM) ** 2 * MEAN_MOTION
NODE_RATE = -_RATE * math.cos(INCLINATION)
PERIGEE_RATE = _RATE * (2 - 2.5 * math.sin(INCLINATION) ** 2)
# 2026-01-01; where the orbit stood then is made up.
_START = 1_767_225_600.0
_J2000 = 946_728_000.0


class Place(NamedTuple):
    """Degrees, longitude -180 to 180; kilometres; whether the Sun shines on it."""

    latitude: float
    longitude: float
    altitude: float
    sunlit: bool


def node(t: float) -> float:
    """Return the right ascension of the ascending node in radians, at a Unix time."""
    return (1.0 + NODE_RATE * (t - _START)) % (2 * math.pi)


def argument(t: float) -> float:
    """Return the angle along the orbit from the node in radians, at a Unix time."""
    return (2.0 + (MEAN_MOTION + PERIGEE_RATE) * (t - _START)) % (2 * math.pi)


def sidereal(t: float) -> float:
    """Return the Earth's rotation angle in radians, at a Unix time."""
    return math.radians(280.46061837 + 360.98564736629 * (t - _J2000) / DAY_S) % (2 * math.pi)


def sun(t: float) -> tuple[float, float]:
    """Return the Sun's declination and right ascension in radians, at a Unix time."""
    days = (t - _J2000) / DAY_S
    anomaly = math.radians(357.53 + 0.98560028 * days)
    longitude = math.radians(280.46 + 0.98564736 * days) + math.radians(1.915 * math.sin(anomaly))
    tilt = math.radians(23.439)
    return (
        math.asin(math.sin(tilt) * math.sin(longitude)),
        math.atan2(math.cos(tilt) * math.sin(longitude), math.cos(longitude)),
    )


def subsolar(t: float) -> tuple[float, float]:
    """Return the latitude and the longitude (0 to 360) under the Sun in degrees."""
    declination, ascension = sun(t)
    return math.degrees(declination), math.degrees(ascension - sidereal(t)) % 360


def place(t: float) -> Place:
    """Return where the station is at a Unix time."""
    u, omega = argument(t), node(t)
    x = math.cos(omega) * math.cos(u) - math.sin(omega) * math.sin(u) * math.cos(INCLINATION)
    y = math.sin(omega) * math.cos(u) + math.cos(omega) * math.sin(u) * math.cos(INCLINATION)
    z = math.sin(u) * math.sin(INCLINATION)
    # The normal of the ellipsoid, found by iteration from the direction to the centre.
    e2 = FLATTENING * (2 - FLATTENING)
    p, height = RADIUS_KM * math.hypot(x, y), RADIUS_KM * z
    latitude, normal = math.atan2(height, p), EARTH_RADIUS_KM
    for _ in range(5):
        normal = EARTH_RADIUS_KM / math.sqrt(1 - e2 * math.sin(latitude) ** 2)
        latitude = math.atan2(height + e2 * normal * math.sin(latitude), p)
    declination, ascension = sun(t)
    towards_sun = math.cos(declination) * (
        x * math.cos(ascension) + y * math.sin(ascension)
    ) + z * math.sin(declination)
    off_axis_km = RADIUS_KM * math.sqrt(max(0.0, 1 - towards_sun**2))
    return Place(
        latitude=math.degrees(latitude),
        longitude=math.degrees(math.remainder(math.atan2(y, x) - sidereal(t), 2 * math.pi)),
        altitude=p / math.cos(latitude) - normal,
        sunlit=towards_sun > 0 or off_axis_km > EARTH_RADIUS_KM,
    )
