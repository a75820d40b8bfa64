"""Rise, transit and set of the Sun and the Moon for one place. Pure.

Rise and set refer to the upper limb, with 34' of refraction at the horizon. For the Sun at sea
level this is an altitude of -0.833 deg, the convention of the US Naval Observatory.
"""

import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from libs.common.events import AstroEvent, AstroKind, AstroObserver
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.horizon import (
    DEG_PER_DAY,
    Turn,
    crossing,
    culmination,
    rises_and_sets,
)
from services.ingest_astro.computed.places import horizontal, library_observer
from services.ingest_astro.computed.sky import MOON, SUN
from services.ingest_astro.computed.times import Window, moment_of, time_of

_KINDS = {SUN: AstroKind.SUN_RISE_SET, MOON: AstroKind.MOON_RISE_SET}
_TITLES = {
    SUN: {"rise": "Sunrise", "transit": "Solar noon", "set": "Sunset"},
    MOON: {"rise": "Moonrise", "transit": "Transit of the Moon", "set": "Moonset"},
}
# Mean hour angle at Greenwich, J2000: sidereal time (IAU 1982) less the mean longitude (Meeus,
# Astronomical Algorithms, chapters 25 and 47).
_MEAN_HOUR_ANGLE_DEG = {SUN: -0.005, MOON: 62.1441}
# Further from the equator than this, the Moon (from 61.3 deg less refraction and parallax) or the
# Sun may stay above or below the horizon for days, so a rise is not certain.
_ALWAYS_RISES_DEG = 58.0
_MARGIN = timedelta(days=2.5)


def sun_rise_set(window: Window, observer: AstroObserver) -> Iterator[Happening]:
    """Find sunrise, solar noon and sunset of every day."""
    return _rise_set(SUN, window, observer)


def moon_rise_set(window: Window, observer: AstroObserver) -> Iterator[Happening]:
    """Find moonrise, the Moon's upper transit and moonset of every day."""
    return _rise_set(MOON, window, observer)


def _rise_set(name: str, window: Window, observer: AstroObserver) -> Iterator[Happening]:
    last: dict[str, tuple[date, int]] = {}
    # The moments start some days before the window, so that the count per day starts with the day.
    for variant, time in _moments(name, window, observer):
        moment = moment_of(time)
        day = moment.date()
        before = last.get(variant)
        occurrence = before[1] + 1 if before and before[0] == day else 1
        last[variant] = (day, occurrence)
        if moment in window:
            yield Happening(moment, _event(name, variant, time, observer, occurrence))


def _moments(name: str, window: Window, observer: AstroObserver) -> Iterator[tuple[str, Any]]:
    place = library_observer(observer)
    for turn in _turns(name, window, place, observer):
        yield "transit", turn.upper
        if abs(observer.latitude_deg) < _ALWAYS_RISES_DEG:
            yield "rise", crossing(name, place, turn.upper, direction=-1)
            yield "set", crossing(name, place, turn.upper, direction=+1)
        else:
            yield from rises_and_sets(name, place, turn)


def _turns(
    name: str,
    window: Window,
    place: Any,  # noqa: ANN401 - the library has no types
    observer: AstroObserver,
) -> Iterator[Turn]:
    """Find the turns around the pole, each culmination from its own mean time."""
    offset_deg = _MEAN_HOUR_ANGLE_DEG[name] + observer.longitude_deg
    deg_per_day = DEG_PER_DAY[name]

    def turns(moment: datetime) -> float:
        return (offset_deg + deg_per_day * float(time_of(moment).ut)) / 360.0

    def upper(turn: int) -> Any:  # noqa: ANN401 - as above
        return culmination(name, place, (360.0 * turn - offset_deg) / deg_per_day, 0.0)

    @cache
    def lower(turn: int) -> Any:  # noqa: ANN401 - as above
        """Return the lower culmination before the upper one."""
        return culmination(name, place, (360.0 * turn - 180.0 - offset_deg) / deg_per_day, 180.0)

    first = math.floor(turns(window.start - _MARGIN))
    last = math.ceil(turns(window.end + _MARGIN))
    usual = abs(observer.latitude_deg) < _ALWAYS_RISES_DEG
    for turn in range(first, last):
        ends = (None, None) if usual else (lower(turn), lower(turn + 1))
        yield Turn(ends[0], upper(turn), ends[1])


def _event(
    name: str,
    variant: str,
    time: Any,  # noqa: ANN401 - the library has no types
    observer: AstroObserver,
    occurrence: int,
) -> AstroEvent:
    seen = horizontal(name, library_observer(observer), time)
    return AstroEvent(
        kind=_KINDS[name],
        variant=variant,
        title=f"{_TITLES[name][variant]} in {observer.name}"[:200],
        bodies=[name],
        altitude_deg=seen.altitude_deg,
        azimuth_deg=seen.azimuth_deg,
        observer=observer,
        # At rise and set the upper limb is on the horizon, and the centre just below it.
        visible=variant != "transit" or seen.altitude_deg > 0,
        occurrence=occurrence,
    )
