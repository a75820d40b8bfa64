"""A limit on dead letters: after a bad deploy a consumer stands still instead of diverting all.

If one entry among many is rejected, the entry is to blame. If most entries are rejected, our code
probably is: then it is better to leave them pending until a process comes that can handle them.
"""

from collections import deque
from dataclasses import dataclass, field

from libs.common.breaker import BackOff, Breaker
from libs.common.clock import Clock

# Letters are counted per slot, this many in a window, so that memory does not grow with the rate.
_SLOTS = 60
# A full batch. A share of the whole window would stay low long after a bad deploy, because of the
# good hour before it.
_RECENT_ENTRIES = 2_000
# Within half a minute nobody has repaired anything; after ten minutes somebody may have done so,
# and waits for the consumer to try again.
_PAUSE = BackOff(threshold=1, base_s=30.0, cap_s=600.0)


@dataclass(frozen=True, slots=True)
class LetterLimit:
    """How many letters are too many: more than `count` and more than `ratio` at the same time.

    Attributes:
        count: Letters within the window.
        ratio: The share of rejected entries among the most recent ones, from 0 to 1.
        window_s: Length of the window.
        pause: How long to stand still before the next try.
    """

    count: int = 100
    ratio: float = 0.5
    window_s: float = 3_600.0
    pause: BackOff = field(default_factory=lambda: _PAUSE)


@dataclass(slots=True)
class _Slot:
    number: int
    letters: int = 0


@dataclass(slots=True)
class _Recent:
    """The newest batches, just enough to hold `_RECENT_ENTRIES`."""

    batches: deque[tuple[int, int]] = field(default_factory=deque)
    entries: int = 0
    rejected: int = 0

    def add(self, entries: int, rejected: int) -> None:
        self.batches.append((entries, rejected))
        self.entries += entries
        self.rejected += rejected
        while self.entries - self.batches[0][0] >= _RECENT_ENTRIES:
            gone, of_which_rejected = self.batches.popleft()
            self.entries -= gone
            self.rejected -= of_which_rejected


class DeadLetterLimit:
    """Counts what one consumer of one stream diverts, and says when to stand still."""

    def __init__(self, limit: LetterLimit, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._slots: deque[_Slot] = deque()
        self._recent = _Recent()
        self._breaker = Breaker(limit.pause, clock)

    @property
    def exceeded(self) -> bool:
        """Whether the limit is exceeded: nothing is diverted until a batch is mostly good."""
        return self._breaker.failures > 0

    @property
    def pause_s(self) -> float:
        """Seconds until a batch is tried again; 0 when that is now."""
        return self._breaker.opens_in_s

    def admit(self, entries: int, rejected: int) -> int:
        """Count a batch that was handled.

        Args:
            entries: How many entries it had.
            rejected: How many of these were rejected.

        Returns:
            How many of the rejected ones may become letters; the others must stay pending.
        """
        self._recent.add(entries, rejected)
        if self.exceeded:
            if rejected > self._limit.ratio * entries:
                self._pause()
                return 0
            self._breaker.succeeded()
        if not rejected:
            return 0
        slot = self._present_slot()
        letters = sum(each.letters for each in self._slots)
        admitted = rejected
        mostly_bad = self._recent.rejected > self._limit.ratio * self._recent.entries
        if mostly_bad and letters + rejected > self._limit.count:
            # Letters from before the standstill still count. Otherwise a single good entry among
            # bad ones, which ends the standstill, would allow as many letters again.
            admitted = min(rejected, max(0, self._limit.count - letters))
            self._pause()
        slot.letters += admitted
        return admitted

    def _pause(self) -> None:
        # Several batches may be handled at once; together they count as one failure.
        if not self.pause_s:
            self._breaker.failed()

    def _present_slot(self) -> _Slot:
        number = int(self._clock.monotonic() * _SLOTS / self._limit.window_s)
        # A slot goes when all of it is older than the window.
        while self._slots and self._slots[0].number < number - _SLOTS:
            self._slots.popleft()
        if not self._slots or self._slots[-1].number != number:
            self._slots.append(_Slot(number))
        return self._slots[-1]
