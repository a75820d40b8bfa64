"""The orbit model: mean elements and a time in, the station's state out. No I/O and no clock.

SGP4 gives position and velocity in TEME. The Earth's rotation and shape turn them into coordinates
over the ground; the Sun's position gives the subsolar point and the shadow.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from sgp4.api import SGP4_ERRORS, WGS72, Satrec

from libs.common.events import IssElements
from libs.common.events.iss import HIGHEST_KM, LOWEST_KM
from services.ingest_iss.earth import (
    WGS84_A_KM,
    WGS84_F,
    Vector,
    dot,
    footprint_km,
    geodetic,
    gmst_deg,
    julian_day,
)
from services.ingest_iss.sun import in_umbra, subsolar_point, sun_position

Visibility = Literal["daylight", "eclipsed"]

# SGP4 counts its epochs in days from here.
_SGP4_DAY_ZERO = datetime(1949, 12, 31, tzinfo=UTC)
_DAY_S = 86_400.0
_MINUTES_PER_DAY = 1_440.0
_REVOLUTION_RAD = 2 * math.pi
# Distances from the Earth's centre. In between, every altitude above the ellipsoid is possible for
# the station.
_NEAREST_KM = WGS84_A_KM + LOWEST_KM
_FARTHEST_KM = WGS84_A_KM * (1 - WGS84_F) + HIGHEST_KM


@dataclass(frozen=True, slots=True)
class SatelliteState:
    """Where a satellite is at one moment.

    Attributes:
        time: The moment, as it was asked for.
        julian_day: The same moment as a Julian day.
        latitude_deg: Geodetic latitude (WGS84).
        longitude_deg: In [-180, 180).
        altitude_km: Above the WGS84 ellipsoid.
        velocity_kmh: Inertial speed; over the ground it differs by up to about 1,700 km/h.
        footprint_km: Diameter of the circle on the ground that sees the satellite.
        solar_latitude_deg: Latitude of the point with the Sun in the zenith.
        solar_longitude_deg: Longitude of the same point, in [-180, 180).
        visibility: `eclipsed` while the Earth hides the whole Sun, else `daylight`.
    """

    time: datetime
    julian_day: float
    latitude_deg: float
    longitude_deg: float
    altitude_km: float
    velocity_kmh: float
    footprint_km: float
    solar_latitude_deg: float
    solar_longitude_deg: float
    visibility: Visibility


def position_at(elements: IssElements, when: datetime) -> SatelliteState:
    """Compute the station's state.

    Near the epoch of its elements, SGP4 is good to about a kilometre. Element sets of October 2026
    differ from later ones by 1.5 km after one day, 5 km after two and 20 km after nine. After the
    station has fired its engines, older elements are off by more.

    Args:
        elements: The mean elements.
        when: An aware time, before or after their epoch.

    Raises:
        ValueError: `when` has no time zone, or there is no position for it; the message says why.
    """
    position, velocity = station_state(elements, when)
    gmst = gmst_deg(when)
    place = geodetic(position, gmst)
    sun = sun_position(when)
    subsolar = subsolar_point(sun, gmst)
    return SatelliteState(
        time=when,
        julian_day=julian_day(when),
        latitude_deg=place.latitude_deg,
        longitude_deg=place.longitude_deg,
        altitude_km=place.altitude_km,
        velocity_kmh=math.sqrt(dot(velocity, velocity)) * 3_600,
        # SGP4 stops at the equatorial radius of WGS72, 2 m below that of WGS84.
        footprint_km=footprint_km(max(0.0, place.altitude_km)),
        solar_latitude_deg=subsolar.latitude_deg,
        solar_longitude_deg=subsolar.longitude_deg,
        visibility="eclipsed" if in_umbra(position, sun) else "daylight",
    )


def station_state(elements: IssElements, when: datetime) -> tuple[Vector, Vector]:
    """Propagate with SGP4; return position in km and velocity in km/s, TEME.

    Far from the epoch, SGP4 gives impossible positions without an error: 66 years before it, drag
    run backwards puts the station of 2026 at a distance of 7 million kilometres.

    Raises:
        ValueError: As for `teme_state`, or the station cannot be at the computed distance.
    """
    position, velocity = teme_state(elements, when)
    distance = math.sqrt(dot(position, position))
    if not _NEAREST_KM <= distance <= _FARTHEST_KM:
        raise ValueError(
            f"SGP4 has {elements.object_name} {distance - WGS84_A_KM:.0f} km high"
            f" at {when.isoformat()}"
        )
    return position, velocity


def teme_state(elements: IssElements, when: datetime) -> tuple[Vector, Vector]:
    """Propagate with SGP4; return position in km and velocity in km/s, TEME.

    Raises:
        ValueError: `when` has no time zone, or SGP4 has no position for it; the message says why.
    """
    if when.tzinfo is None:
        raise ValueError(f"when: expected an aware time, got {when.isoformat()} without a zone")
    minutes = (when - elements.epoch).total_seconds() / 60
    code, position, velocity = _satellite(elements).sgp4_tsince(minutes)
    if code:
        meaning = SGP4_ERRORS.get(code, "an error that it does not explain")
        raise ValueError(
            f"SGP4 error {code} at {when.isoformat()}, {minutes / _MINUTES_PER_DAY:.1f} days from "
            f"the epoch of the elements of {elements.object_name}: {meaning}"
        )
    return Vector(*position), Vector(*velocity)


# A service follows one satellite and gets new elements a few times a day. Initialising costs three
# times as much as propagating.
@lru_cache(maxsize=8)
def _satellite(elements: IssElements) -> Any:  # noqa: ANN401 - sgp4 publishes no types
    """Initialise SGP4 in the way that the elements are made for: WGS72 constants, improved mode."""
    satellite = Satrec()
    satellite.sgp4init(
        WGS72,
        "i",
        # SGP4 does not use the number, and numbers above 339,999 do not fit its five characters.
        0,
        (elements.epoch - _SGP4_DAY_ZERO).total_seconds() / _DAY_S,
        elements.bstar,
        elements.mean_motion_dot * _REVOLUTION_RAD / _MINUTES_PER_DAY**2,
        elements.mean_motion_ddot * _REVOLUTION_RAD / _MINUTES_PER_DAY**3,
        elements.eccentricity,
        math.radians(elements.arg_perigee_deg),
        math.radians(elements.inclination_deg),
        math.radians(elements.mean_anomaly_deg),
        elements.mean_motion_rev_per_day * _REVOLUTION_RAD / _MINUTES_PER_DAY,
        math.radians(elements.raan_deg),
    )
    return satellite
