"""Clocks that a test moves."""

from datetime import datetime, timedelta

from libs.common.clock import SystemClock
from tests.factories import START


class MovingClock:
    """Wall and monotonic time that stand still until they are moved."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._monotonic = 1_000.0

    def now(self) -> datetime:
        """Return the present time."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds from an arbitrary origin."""
        return self._monotonic

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


class WrongClock(SystemClock):
    """The machine's clock, whose wall time is off; its monotonic time never jumps.

    Args:
        off: How far ahead it is.
    """

    def __init__(self, off: timedelta = timedelta()) -> None:
        self._off = off

    def now(self) -> datetime:
        """Return the present time, as this machine believes it."""
        return super().now() + self._off

    def jump(self, by: timedelta) -> None:
        """Move the time at once."""
        self._off += by


class JumpingClock(SystemClock):
    """The machine's clock, whose monotonic time can jump as if the process had been stopped."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def monotonic(self) -> float:
        """Return seconds from an arbitrary origin."""
        return super().monotonic() + self._ahead_s

    def jump(self, seconds: float) -> None:
        """Let time pass at once."""
        self._ahead_s += seconds
