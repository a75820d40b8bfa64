"""How a chart's window is cut into buckets. Pure."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Grain(StrEnum):
    """What buckets are made from: single rows, or the roll-ups of a minute or an hour."""

    RAW = "raw"
    MINUTE = "minute"
    HOUR = "hour"


_WIDTH = {
    Grain.HOUR: timedelta(hours=1),
    Grain.MINUTE: timedelta(minutes=1),
    Grain.RAW: _MICROSECOND,
}


@dataclass(frozen=True, slots=True)
class Cut:
    """A window in buckets of one width.

    Attributes:
        grain: The coarsest grain that fits into a bucket.
        start: Start of the first bucket: a whole grain, at or before the window's start.
        width: Width of every bucket: whole grains, so that no grain belongs to two buckets.
        count: How many buckets there are, at most as many as were asked for.
    """

    grain: Grain
    start: datetime
    width: timedelta
    count: int

    @property
    def end(self) -> datetime:
        """Where the last bucket ends."""
        return self.start + self.count * self.width

    def starts(self) -> list[datetime]:
        """Return where each bucket starts."""
        return [self.start + index * self.width for index in range(self.count)]


def cut(since: datetime, until: datetime, points: int) -> Cut:
    """Cut a window into at most `points` buckets.

    Args:
        since: Its start.
        until: Its end, after the start.
        points: At least 1.
    """
    even = (until - since) / points
    grain = next((grain for grain, width in _WIDTH.items() if width <= even), Grain.RAW)
    unit = _WIDTH[grain]
    start = since - (since - _EPOCH) % unit
    width = math.ceil((until - start) / points / unit) * unit
    if start + points * width < until:
        # The quotient of two times is a float, which may fall short by a unit.
        width += unit
    return Cut(grain, start, width, -(-(until - start) // width))
