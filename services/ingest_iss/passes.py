"""Passes of a satellite over a place: when, where in the sky, and whether it can be seen. Pure.

Elevations are geometric. Refraction lifts a satellite by half a degree on the horizon, which is
some seconds of its flight, and by less than 0.1 deg above 10 deg.
"""

import math
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from libs.common.events import IssElements
from libs.common.questions import Pass, PassMoment
from services.ingest_iss.earth import WGS84_A_KM, WGS84_F, Vector, dot, gmst_deg
from services.ingest_iss.orbit import station_state
from services.ingest_iss.sun import in_umbra, sun_position

# The end of civil twilight, from which NASA's lists of sightings count.
DARK_SUN_DEG = -6.0
# For the station at 1,000 km and half lit, as satellite observers quote it (M. McCants' list and
# Heavens-Above).
STANDARD_MAGNITUDE = -1.8
_STANDARD_RANGE_KM = 1_000.0

# A revolution takes 92 minutes or more, so each culmination lies between three such samples, at
# most 6 deg of arc from the highest of them.
_STEP = timedelta(minutes=3)
# From up to 2,000 km, higher than the station ever is, the horizon is at most 41 deg of arc away.
_NEAREST_COSINE = math.cos(math.radians(41 + 6))
# From 2,000 km, half a pass lasts at most 15 minutes; from 420 km, a whole one lasts 11 minutes.
_LONGEST_HALF_PASS = timedelta(minutes=20)
_ENOUGH_S = 0.05
_GOLDEN = (math.sqrt(5) - 1) / 2
# How often a pass is sampled for sunlight and brightness.
_LOOK = timedelta(seconds=5)


class Site(NamedTuple):
    """A place on the Earth: degrees, and metres above the ellipsoid."""

    latitude_deg: float
    longitude_deg: float
    elevation_m: float = 0.0


class Look(NamedTuple):
    """A satellite above a site at one moment: degrees, kilometres, and how it is lit."""

    azimuth_deg: float
    elevation_deg: float
    range_km: float
    sunlit: bool
    sun_elevation_deg: float
    phase_deg: float


def passes(
    elements: IssElements,
    site: Site,
    start: datetime,
    end: datetime,
    min_elevation_deg: float = 10.0,
    check: Callable[[], None] = lambda: None,
) -> list[Pass]:
    """Find the passes that lie at least partly in a window.

    Args:
        elements: The satellite's mean elements.
        site: The place.
        start: First moment, aware.
        end: First moment after the window.
        min_elevation_deg: A pass lasts while the satellite is higher than this.
        check: Called once per culmination; it may raise to end the computation.

    Raises:
        ValueError: There is no position for a moment.
    """
    sky = _Sky(elements, site)
    found = []
    for culmination in _culminations(sky, start - _LONGEST_HALF_PASS, end + _LONGEST_HALF_PASS):
        check()
        if sky.elevation_deg(culmination) <= min_elevation_deg:
            continue
        rise = _crossing(sky, culmination, culmination - _LONGEST_HALF_PASS, min_elevation_deg)
        sets = _crossing(sky, culmination, culmination + _LONGEST_HALF_PASS, min_elevation_deg)
        if sets > start and rise < end:
            found.append(_pass(sky, rise, culmination, sets))
    return found


def magnitude(range_km: float, phase_deg: float) -> float:
    """Estimate the apparent magnitude of the station.

    m = M + 5 log10(d / 1000 km) - 2.5 log10(sin b + (pi - b) cos b): the inverse square of the
    distance d, and the phase function of a diffusely reflecting sphere for the phase angle b
    between Sun and observer; the function is 1 at b = 90 deg. M is the standard magnitude at
    1,000 km and 90 deg. The station is no sphere: it appears up to a magnitude brighter or fainter.

    Args:
        range_km: Distance from the observer.
        phase_deg: Angle at the satellite between the Sun and the observer; 0 means fully lit.
    """
    phase = math.radians(phase_deg)
    lit = max(1e-6, math.sin(phase) + (math.pi - phase) * math.cos(phase))
    return (
        STANDARD_MAGNITUDE + 5 * math.log10(range_km / _STANDARD_RANGE_KM) - 2.5 * math.log10(lit)
    )


class _Sky:
    """The sky of one site, with one satellite in it."""

    def __init__(self, elements: IssElements, site: Site) -> None:
        self._elements = elements
        latitude = math.radians(site.latitude_deg)
        self._longitude_deg = site.longitude_deg
        self._sine, self._cosine = math.sin(latitude), math.cos(latitude)
        # The geocentric place on WGS84: distance from the axis, and from the equator's plane.
        e2 = WGS84_F * (2 - WGS84_F)
        normal = WGS84_A_KM / math.sqrt(1 - e2 * self._sine**2)
        height = site.elevation_m / 1_000
        self._from_axis = (normal + height) * self._cosine
        self._from_equator = (normal * (1 - e2) + height) * self._sine

    def _frame(self, when: datetime) -> tuple[Vector, Vector, Vector, Vector]:
        """Return the site and its directions up, east and north, TEME."""
        sidereal = math.radians(gmst_deg(when) + self._longitude_deg)
        s, c = math.sin(sidereal), math.cos(sidereal)
        return (
            Vector(self._from_axis * c, self._from_axis * s, self._from_equator),
            Vector(self._cosine * c, self._cosine * s, self._sine),
            Vector(-s, c, 0.0),
            Vector(-self._sine * c, -self._sine * s, self._cosine),
        )

    def nearness(self, when: datetime) -> float:
        """Return the cosine of the angle at the Earth's centre between site and satellite."""
        place = station_state(self._elements, when)[0]
        site = self._frame(when)[0]
        return dot(place, site) / math.sqrt(dot(place, place) * dot(site, site))

    def elevation_deg(self, when: datetime) -> float:
        """Return how high the satellite stands; negative below the horizon."""
        place = station_state(self._elements, when)[0]
        site, up, _, _ = self._frame(when)
        line = _difference(place, site)
        return math.degrees(math.asin(dot(line, up) / math.sqrt(dot(line, line))))

    def look(self, when: datetime) -> Look:
        """Return everything about one moment."""
        place = station_state(self._elements, when)[0]
        site, up, east, north = self._frame(when)
        line = _difference(place, site)
        distance = math.sqrt(dot(line, line))
        sun = sun_position(when)
        to_sun = _difference(sun, place)
        cosine = -dot(line, to_sun) / (distance * math.sqrt(dot(to_sun, to_sun)))
        sun_line = _difference(sun, site)
        return Look(
            azimuth_deg=math.degrees(math.atan2(dot(line, east), dot(line, north))) % 360.0,
            elevation_deg=math.degrees(math.asin(dot(line, up) / distance)),
            range_km=distance,
            sunlit=not in_umbra(place, sun),
            sun_elevation_deg=math.degrees(
                math.asin(dot(sun_line, up) / math.sqrt(dot(sun_line, sun_line)))
            ),
            phase_deg=math.degrees(math.acos(max(-1.0, min(1.0, cosine)))),
        )


def _culminations(sky: _Sky, start: datetime, end: datetime) -> Iterator[datetime]:
    """Find the moments at which the satellite is highest and may be above the horizon."""
    when = start - _STEP
    before, here = sky.nearness(when - _STEP), sky.nearness(when)
    while when <= end + _STEP:
        after = sky.nearness(when + _STEP)
        if before < here >= after and here > _NEAREST_COSINE:
            yield _highest(sky, when - _STEP, when + _STEP)
        before, here, when = here, after, when + _STEP


def _highest(sky: _Sky, low: datetime, high: datetime) -> datetime:
    """Return when the elevation is greatest, by golden section: it has one maximum in between."""
    span = high - low
    left, right = high - _GOLDEN * span, low + _GOLDEN * span
    at_left, at_right = sky.elevation_deg(left), sky.elevation_deg(right)
    while (high - low).total_seconds() > _ENOUGH_S:
        if at_left < at_right:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = sky.elevation_deg(right)
        else:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = sky.elevation_deg(left)
    return low + (high - low) / 2


def _crossing(sky: _Sky, above: datetime, below: datetime, elevation_deg: float) -> datetime:
    """Return when an elevation is crossed between a moment above it and one below it."""
    while abs((above - below).total_seconds()) > _ENOUGH_S:
        middle = above + (below - above) / 2
        if sky.elevation_deg(middle) > elevation_deg:
            above = middle
        else:
            below = middle
    return above


def _pass(sky: _Sky, rise: datetime, culmination: datetime, sets: datetime) -> Pass:
    count = max(1, math.ceil((sets - rise) / _LOOK))
    moments = [rise + (sets - rise) * i / count for i in range(count + 1)]
    looks = [(when, sky.look(when)) for when in moments]
    seen = [
        (when, magnitude(look.range_km, look.phase_deg))
        for when, look in looks
        if look.sunlit and look.sun_elevation_deg <= DARK_SUN_DEG
    ]
    brightest = min(seen, key=lambda moment: moment[1], default=None)
    return Pass(
        rise=_moment(rise, sky.look(rise)),
        culmination=_moment(culmination, sky.look(culmination)),
        set=_moment(sets, sky.look(sets)),
        visible=brightest is not None,
        visible_from=_to_tenths(seen[0][0]) if seen else None,
        visible_to=_to_tenths(seen[-1][0]) if seen else None,
        brightest_at=_to_tenths(brightest[0]) if brightest else None,
        magnitude=round(brightest[1], 1) if brightest else None,
    )


def _moment(when: datetime, look: Look) -> PassMoment:
    return PassMoment(
        time=_to_tenths(when),
        azimuth_deg=round(look.azimuth_deg, 2) % 360.0,
        elevation_deg=round(look.elevation_deg, 2),
        range_km=round(look.range_km, 1),
        sunlit=look.sunlit,
    )


def _to_tenths(when: datetime) -> datetime:
    """Round to 0.1 s: elements a day old are good to a tenth of a second at best."""
    tenths = round(when.microsecond / 100_000)
    return when.replace(microsecond=0) + timedelta(microseconds=tenths * 100_000)


def _difference(a: Vector, b: Vector) -> Vector:
    return Vector(a.x - b.x, a.y - b.y, a.z - b.z)
