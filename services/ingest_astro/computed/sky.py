"""Where the bodies are, day by day: computed once and shared by all searches of a window. Pure."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import astronomy

from services.ingest_astro.computed.times import Window, start_of_day

SUN, MOON, MERCURY, VENUS = "sun", "moon", "mercury", "venus"
INNER_PLANETS = (MERCURY, VENUS)
OUTER_PLANETS = ("mars", "jupiter", "saturn", "uranus", "neptune")
PLANETS = (*INNER_PLANETS, *OUTER_PLANETS)
# Half a circle away, a difference of longitudes jumps between -180 and 180 deg; beyond this value,
# a change of sign is such a jump and no crossing.
_JUMP_DEG = 90.0
_SEARCH_TOLERANCE_S = 0.5


class Place(NamedTuple):
    """Where a body is seen from the Earth's centre: apparent, true ecliptic of date."""

    longitude_deg: float
    distance_au: float


def body_of(name: str) -> Any:  # noqa: ANN401 - the library publishes no types
    """Return the library's body."""
    return astronomy.Body[name.capitalize()]


def vector_of(name: str, time: Any) -> Any:  # noqa: ANN401 - as above
    """Return the apparent geocentric vector of a body, with light time and aberration."""
    return astronomy.GeoVector(body_of(name), time, aberration=True)


def place_of(name: str, time: Any) -> Place:  # noqa: ANN401 - as above
    """Return where a body is."""
    vector = vector_of(name, time)
    return Place(astronomy.Ecliptic(vector).elon, vector.Length())


def separation_deg(one: str, other: str, time: Any) -> float:  # noqa: ANN401 - as above
    """Return the angle between two bodies."""
    return float(astronomy.AngleBetween(vector_of(one, time), vector_of(other, time)))


def half_turn(angle_deg: float) -> float:
    """Bring an angle into [-180, 180)."""
    return (angle_deg + 180.0) % 360.0 - 180.0


def when_ahead(one: str, other: str, angle_deg: float, begin: Any, end: Any) -> Any:  # noqa: ANN401 - as above
    """Find when one body gets more than an angle of ecliptic longitude ahead of another.

    The lead must be smaller at `begin` and larger at `end`; otherwise the result is None.
    """

    def lead(_: None, time: Any) -> float:  # noqa: ANN401 - as above
        ahead = place_of(one, time).longitude_deg - place_of(other, time).longitude_deg
        return half_turn(ahead - angle_deg)

    return astronomy.Search(lead, None, begin, end, _SEARCH_TOLERANCE_S)


class Sky:
    """The places of the bodies at 0 h UTC of every day of a window, and one day around it."""

    def __init__(self, window: Window) -> None:
        days = window.days()
        self.days = range(days.start - 1, days.stop + 1)
        self._times = [start_of_day(day) for day in self.days]
        self._places = cache(lambda name: [place_of(name, time) for time in self._times])

    def distances(self, name: str) -> list[float]:
        """Return the distances of a body in au, one per day."""
        return [place.distance_au for place in self._places(name)]

    def crossings(self, one: str, other: str, angle_deg: float) -> Iterator[Any]:
        """Find when one body is ahead of another by an angle of ecliptic longitude.

        Each day is searched by itself, so two crossings within one day, as of a planet that
        reverses its motion, are missed.
        """
        ahead = [
            half_turn(a.longitude_deg - b.longitude_deg - angle_deg)
            for a, b in zip(self._places(one), self._places(other), strict=True)
        ]

        for index in range(len(ahead) - 1):
            before, after = ahead[index], ahead[index + 1]
            if (before < 0) == (after < 0) or abs(before) > _JUMP_DEG or abs(after) > _JUMP_DEG:
                continue
            found = when_ahead(
                *((one, other) if before < after else (other, one)),
                angle_deg if before < after else -angle_deg,
                self._times[index],
                self._times[index + 1],
            )
            if found is not None:
                yield found
