"""Whether a series of samples is flat."""

from collections.abc import Mapping, Sequence
from statistics import linear_regression, median
from typing import NamedTuple

# From here on the tolerances are as they stand. Below, caches still fill and the database has
# hardly cleaned up after itself: three times as much is allowed, and a slow leak is not seen.
FULL_S = 1_800
_SHORT = 3

# What settles at first, as caches do, is not looked at: a quarter of the run, but not more than
# ten minutes.
_WARM_UP, _LONGEST_WARM_UP_S = 0.25, 600
_FEWEST = 8


class Tolerance(NamedTuple):
    """How much more the end may have than the beginning: the larger of the two.

    Attributes:
        amount: In the unit of the measure.
        share: Of the beginning.
    """

    amount: float
    share: float


class Measure(NamedTuple):
    """What is sampled."""

    name: str
    unit: str
    tolerance: Tolerance


MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        # Python gives memory back in whole arenas of 1 MB, and malloc hardly ever.
        Measure("memory", "MB", Tolerance(8, 0.05)),
        Measure("file handles", "", Tolerance(5, 0.05)),
        Measure("connections", "", Tolerance(3, 0.05)),
        # Whole nodes of up to 100 entries are trimmed, every 10 s.
        Measure("entries", "", Tolerance(1_000, 0.10)),
        Measure("unacknowledged", "", Tolerance(500, 0)),
        # Of table and indexes. It falls while they are small, since files grow in whole pages.
        Measure("bytes per row", "B", Tolerance(20, 0.05)),
        # The roll-ups get 60 rows an hour, and ten updates a second: 9 MB, if no space came back.
        Measure("size", "MB", Tolerance(1, 0.05)),
        # The database cleans a table once a fifth of it is dead, at most once a minute.
        Measure("dead rows", "", Tolerance(5_000, 0.20)),
    )
}


class Sample(NamedTuple):
    """One value at one moment.

    Attributes:
        at: Seconds since the run began.
        value: In the unit of the measure.
    """

    at: float
    value: float


class Trend(NamedTuple):
    """How a series went.

    Attributes:
        first: The median of its first quarter, after the warm-up.
        last: The median of its last quarter.
        per_hour: The slope of the line through it.
        allowed: How much more `last` may be than `first`.
    """

    first: float
    last: float
    per_hour: float
    allowed: float

    @property
    def is_flat(self) -> bool:
        """Whether it has not grown by more than is allowed; shrinking is flat."""
        return self.last - self.first <= self.allowed


def trend(samples: Sequence[Sample], tolerance: Tolerance, *, fills: float = 0.0) -> Trend | None:
    """Return how a series went; None where there are too few samples to tell.

    Args:
        samples: In order of time.
        tolerance: Of the measure.
        fills: What is known to fill within the warm-up of a full run, and so within a short one.
    """
    if not samples:
        return None
    duration_s = samples[-1].at
    warm_up_s = min(duration_s * _WARM_UP, _LONGEST_WARM_UP_S)
    warm = [sample for sample in samples if sample.at >= warm_up_s]
    if len(warm) < _FEWEST:
        return None
    quarter = len(warm) // 4
    first = median(sample.value for sample in warm[:quarter])
    last = median(sample.value for sample in warm[-quarter:])
    slope, _ = linear_regression([sample.at for sample in warm], [sample.value for sample in warm])
    allowed = max(tolerance.amount, tolerance.share * first)
    if duration_s < FULL_S:
        allowed = allowed * _SHORT + fills
    return Trend(first, last, slope * 3_600, allowed)
