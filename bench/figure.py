"""A measured figure, and whether it reaches its goal."""

import operator
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {">=": operator.ge, "<=": operator.le}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        name: Its name in the issues and in the history of results.
        value: In `unit`; None if it cannot be measured on this system.
        unit: The unit of value and baseline.
        baseline: What the value is compared with, such as that of a bare loop; None if nothing.
        ratio: Value divided by baseline.
        goal: A comparison with a number, such as `>= 0.8`, for the ratio or, without one, the
            value.
    """

    name: str
    value: float | None
    unit: str
    baseline: float | None
    ratio: float | None
    goal: str

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None if nothing could be measured."""
        measured = self.value if self.ratio is None else self.ratio
        if measured is None:
            return None
        comparison, _, number = self.goal.partition(" ")
        return _COMPARISONS[comparison](measured, float(number))

    def document(self) -> dict[str, Any]:
        """Return the figure in the form of the results file."""
        return asdict(self)


# Takes an empty folder for files that it needs while it measures.
Measurement = Callable[[Path], Awaitable[list[Figure]]]


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that at least this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
