"""Times: conversion to and from the library's, windows, and the grid of days. Pure."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import astronomy

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_HALF_SECOND = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to before `end`, both aware."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def days(self) -> range:
        """Return the day numbers that it touches."""
        return range(day_number(self.start), day_number(self.end) + 1)

    def years(self) -> range:
        """Return the years that it touches."""
        return range(self.start.astimezone(UTC).year, self.end.astimezone(UTC).year + 1)


def day_number(moment: datetime) -> int:
    """Return the number of the UTC day of a moment, counted from 2000-01-01."""
    return math.floor((moment - _J2000) / timedelta(days=1) + 0.5)


def start_of_day(number: int) -> Any:  # noqa: ANN401 - the library publishes no types
    """Return 0 h UTC of a day."""
    return astronomy.Time(number - 0.5)


def moment_of(time: Any) -> datetime:  # noqa: ANN401 - the library publishes no types
    """Return a time of the library, which is UT, to the whole second.

    UT is taken as UTC, which is kept within 0.9 s of it.
    """
    exact = _J2000 + timedelta(days=time.ut)
    return (exact + _HALF_SECOND).replace(microsecond=0)


def time_of(moment: datetime) -> Any:  # noqa: ANN401 - the library publishes no types
    """Return a datetime as the library's time."""
    return astronomy.Time((moment - _J2000) / timedelta(days=1))


def rounded(value: float, digits: int = 3) -> float:
    """Round a result to its accuracy, so that last digits do not differ between machines."""
    return round(value, digits) + 0.0  # no negative zero
