"""A circuit breaker: what keeps failing is left alone for a while, for longer each time."""

import random
from dataclasses import dataclass

from libs.common.clock import Clock
from libs.common.waits import bounded_wait


@dataclass(frozen=True, slots=True)
class BackOff:
    """When a breaker opens, and for how long.

    Attributes:
        threshold: Failures in a row before the breaker opens.
        base_s: The first pause.
        cap_s: The longest pause.
    """

    threshold: int
    base_s: float
    cap_s: float


class Breaker:
    """Counts failures in a row; while it is open, nothing is tried."""

    def __init__(self, options: BackOff, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self.failures = 0
        self._open_until = float("-inf")

    @property
    def opens_in_s(self) -> float:
        """Seconds until the next try is allowed; 0 when it is allowed now."""
        return max(0.0, self._open_until - self._clock.monotonic())

    def succeeded(self) -> None:
        """Forget the failures."""
        self.failures = 0
        self._open_until = float("-inf")

    def failed(self, at_least_s: float = 0.0) -> None:
        """Count a failure; pause for at least as long as the upstream asked, up to a day.

        The pause is between half and all of an exponentially growing time, so that installations
        that failed together do not all return at the same moment.
        """
        self.failures += 1
        pause = bounded_wait(at_least_s) or 0.0
        opened = self.failures - self._options.threshold
        if opened >= 0:
            # 2**30 exceeds every cap in use; the bound keeps the power from overflowing.
            longest = min(self._options.cap_s, self._options.base_s * 2.0 ** min(opened, 30))
            pause = max(pause, longest * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        self._open_until = self._clock.monotonic() + pause
