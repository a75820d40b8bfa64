"""What a simulator remembers of the calls that it got."""

import asyncio
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls in any window of so many seconds."""

    calls: int
    window_s: float


@dataclass(slots=True)
class Call:
    """One call.

    Attributes:
        at: When it arrived, by the simulator's clock, in seconds since 1970.
        method: As sent.
        path: Below the upstream's root, without the query.
        query: As sent.
        user_agent: What the client calls itself.
        status: Of the answer; None while there is none, or where none was finished.
    """

    at: float
    method: str
    path: str
    query: str
    user_agent: str
    status: int | None = None


class CallLog:
    """Every call, how many came together, and how many were more than a limit allows."""

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        self._limits = limits
        self._arrived = asyncio.Condition()
        self.forget()

    def forget(self) -> None:
        """Begin again."""
        self.calls: list[Call] = []
        self.in_flight = 0
        self.max_in_flight = 0
        self.violations = 0

    async def begin(self, call: Call) -> bool:
        """Note a call that has arrived; tell whether the limits allow it."""
        self.calls.append(call)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        allowed = all(self.recent(limit.window_s, call.at) <= limit.calls for limit in self._limits)
        self.violations += not allowed
        async with self._arrived:
            self._arrived.notify_all()
        return allowed

    def end(self) -> None:
        """Note that a call is over, answered or not."""
        self.in_flight = max(0, self.in_flight - 1)

    def recent(self, window_s: float, now: float) -> int:
        """Return how many calls arrived in the window that ends now."""
        count = 0
        for call in reversed(self.calls):
            if call.at <= now - window_s:
                break
            count += 1
        return count

    def per_path(self) -> Counter[str]:
        """Return how often each path was called."""
        return Counter(call.path for call in self.calls)

    def max_calls_in(self, window_s: float, path: str | None = None) -> int:
        """Return the largest number of calls in any window of so many seconds.

        Args:
            window_s: Length of the sliding window.
            path: Count the calls of this path only.
        """
        times = sorted(call.at for call in self.calls if path in (None, call.path))
        largest = first = 0
        for last, at in enumerate(times):
            while times[first] <= at - window_s:
                first += 1
            largest = max(largest, last - first + 1)
        return largest

    async def wait_for(self, count: int, timeout_s: float) -> None:
        """Wait until so many calls have arrived.

        Raises:
            TimeoutError: They have not.
        """
        async with asyncio.timeout(timeout_s), self._arrived:
            await self._arrived.wait_for(lambda: len(self.calls) >= count)
