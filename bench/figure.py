"""What a figure is, and whether it reaches its goal."""

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
        name: What the issues and the history of results call it.
        value: In `unit`; None where this system cannot be measured.
        unit: Of value and baseline.
        baseline: The same of the bare loop; None where there is none.
        ratio: Value over baseline.
        goal: A comparison with a number, such as `>= 0.8`; with the ratio where there is one.
    """

    name: str
    value: float | None
    unit: str
    baseline: float | None
    ratio: float | None
    goal: str

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None where nothing could be measured."""
        measured = self.value if self.ratio is None else self.ratio
        if measured is None:
            return None
        comparison, _, number = self.goal.partition(" ")
        return _COMPARISONS[comparison](measured, float(number))

    def document(self) -> dict[str, Any]:
        """Return the figure as it stands in the results."""
        return asdict(self)


# Takes an empty folder for whatever it has to keep while it measures.
Measurement = Callable[[Path], Awaitable[list[Figure]]]


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that at least this share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
