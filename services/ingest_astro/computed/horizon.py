"""When the upper limb of the Sun or the Moon crosses the horizon of a place. Pure."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import astronomy

from services.ingest_astro.computed.sky import MOON, SUN, body_of, half_turn
from services.ingest_astro.computed.times import moment_of

# The library's own values, so that both methods below give the same moments.
_RADIUS_AU = {SUN: 695_700.0 / astronomy.KM_PER_AU, MOON: 1_738.1 / astronomy.KM_PER_AU}
_REFRACTION_DEG = 34 / 60
# How fast the mean hour angle grows.
DEG_PER_DAY = {SUN: 360.0, MOON: 347.80925}
_DEG_PER_HOUR = 15.0
# Each step leaves a few hundredths of the error; 1e-6 d is 0.1 s.
_STEPS = 12
_ENOUGH_D = 1e-6
_TOLERANCE_S = 0.1
# Two successive rises are never closer than this.
_PAUSE_D = 5 / 1_440
# The Moon's declination changes by up to 0.27 deg an hour, so its altitude is greatest not exactly
# at its culmination: at 78 deg of latitude, it gets 0.05 deg higher.
_GRAZING_DEG = 1.0
# Closer to a pole, the declination changes the altitude about as much as the hour angle does.
_POLAR_DEG = 78.0


class Turn(NamedTuple):
    """From one lower culmination to the next, with the upper one between them."""

    before: Any
    upper: Any
    after: Any


class _Seen(NamedTuple):
    """A body as a place sees it: hour angle and declination, topocentric and of date, radians."""

    hour_angle: float
    declination: float
    distance_au: float


def culmination(
    name: str,
    place: Any,  # noqa: ANN401 - the library has no types
    days: float,
    hour_angle_deg: float,
) -> Any:  # noqa: ANN401 - as above
    """Find the culmination nearest to a time in days from J2000: upper at 0 deg, lower at 180."""
    time = astronomy.Time(days)
    for _ in range(_STEPS):
        missing = hour_angle_deg - math.degrees(_seen(name, place, time).hour_angle)
        step = half_turn(missing) / DEG_PER_DAY[name]
        time = time.AddDays(step)
        if abs(step) < _ENOUGH_D:
            break
    return time


def crossing(name: str, place: Any, upper_transit: Any, *, direction: int) -> Any:  # noqa: ANN401 - no types
    """Find the rise before (-1) or the set after (+1) a transit.

    Each step computes the hour angle at which the body, with its present declination and distance,
    would be at the altitude of rise and set. At high latitudes the steps may lead to the crossing
    of another day, or not converge, which gives None.
    """
    time = upper_transit
    sin_latitude = math.sin(math.radians(place.latitude))
    cos_latitude = math.cos(math.radians(place.latitude))
    for _ in range(_STEPS):
        seen = _seen(name, place, time)
        altitude = _horizon(name, place, seen)
        cosine = (math.sin(altitude) - sin_latitude * math.sin(seen.declination)) / (
            cos_latitude * math.cos(seen.declination)
        )
        wanted = direction * math.acos(max(-1.0, min(1.0, cosine)))
        step = math.degrees(wanted - seen.hour_angle) / DEG_PER_DAY[name]
        time = time.AddDays(step)
        if abs(step) < _ENOUGH_D:
            return time
    return None


def rises_and_sets(name: str, place: Any, turn: Turn) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - no types
    """Find all rises and sets between two lower culminations, also near the poles.

    If the body is clearly above the horizon at one culmination and clearly below it at the next, it
    crosses the horizon once in between; if it is clearly on one side at all three, it does not
    cross. The few turns in which it grazes the horizon are searched step by step.
    """
    clearances = before, upper, after = [_clearance_deg(name, place, time) for time in turn]
    grazes = any(abs(clearance) < _GRAZING_DEG for clearance in clearances)
    crosses = min(clearances) < 0 < max(clearances)
    if grazes or (crosses and abs(place.latitude) > _POLAR_DEG):
        yield from _searched(name, place, turn)
    elif upper > 0:
        if before < 0:
            yield "rise", _between(name, place, turn.before, turn.upper)
        if after < 0:
            yield "set", _between(name, place, turn.after, turn.upper)


def _between(name: str, place: Any, below: Any, above: Any) -> Any:  # noqa: ANN401 - no types
    """Find the crossing between a culmination below the horizon and one above it."""
    begin, end, sign = (below, above, 1.0) if below.ut < above.ut else (above, below, -1.0)
    quickly = crossing(name, place, above, direction=-1 if sign > 0 else +1)
    if quickly is not None and begin.ut < quickly.ut < end.ut:
        return quickly
    found = astronomy.Search(
        lambda _, time: sign * _clearance_deg(name, place, time), None, begin, end, _TOLERANCE_S
    )
    if found is None:
        raise ArithmeticError(f"{name} does not cross the horizon near {moment_of(begin)}")
    return found


def _searched(name: str, place: Any, turn: Turn) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - no types
    for variant, direction in (
        ("rise", astronomy.Direction.Rise),
        ("set", astronomy.Direction.Set),
    ):
        begin = turn.before
        while begin.ut < turn.after.ut:
            limit_d = turn.after.ut - begin.ut
            found = astronomy.SearchRiseSet(body_of(name), place, direction, begin, limit_d)
            if found is None or found.ut >= turn.after.ut:
                break
            yield variant, found
            begin = found.AddDays(_PAUSE_D)


def _clearance_deg(name: str, place: Any, time: Any) -> float:  # noqa: ANN401 - no types
    """Return how far a body is above the altitude of its rise and set."""
    seen = _seen(name, place, time)
    latitude = math.radians(place.latitude)
    sine = math.sin(latitude) * math.sin(seen.declination) + math.cos(latitude) * math.cos(
        seen.declination
    ) * math.cos(seen.hour_angle)
    altitude = math.asin(max(-1.0, min(1.0, sine)))
    return math.degrees(altitude - _horizon(name, place, seen))


def _horizon(name: str, place: Any, seen: _Seen) -> float:  # noqa: ANN401 - no types
    """Return the altitude of the centre at rise and set, in radians."""
    refraction_deg = _REFRACTION_DEG * astronomy.Atmosphere(place.height).density
    return -math.radians(refraction_deg) - float(_RADIUS_AU[name]) / seen.distance_au


def _seen(name: str, place: Any, time: Any) -> _Seen:  # noqa: ANN401 - no types
    there = astronomy.Equator(body_of(name), time, place, ofdate=True, aberration=True)
    hours = astronomy.SiderealTime(time) - there.ra
    hour_angle = half_turn(hours * _DEG_PER_HOUR + place.longitude)
    return _Seen(math.radians(hour_angle), math.radians(there.dec), there.dist)
