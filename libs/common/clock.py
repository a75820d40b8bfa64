"""Where the time comes from: code is given a clock, so that tests can set the time."""

import time
from datetime import UTC, datetime
from typing import Protocol

# Where the system has it, the clock that keeps counting while the machine sleeps: a lease in the
# broker expires meanwhile, too.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """A source of wall and monotonic time."""

    def now(self) -> datetime:
        """Return the present time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary origin; they never jump."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the present time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds from an arbitrary origin; they never jump."""
        return time.clock_gettime(_STEADY)


SYSTEM_CLOCK: Clock = SystemClock()
"""The one that is used where no other is given."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(moment: datetime) -> str:
    """Format an aware time as RFC 3339 in UTC with a `Z`, microseconds only when there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def unix_microseconds(moment: datetime) -> int:
    """Return whole microseconds since 1970, exactly, where a float would round."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
