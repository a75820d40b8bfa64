"""Things that are revised: the newest version of each, as many as may be kept."""

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from libs.common.events import Event

_E = TypeVar("_E", bound=Event)


class Things(Generic[_E]):
    """Events by their subject; of two about one subject, the one fetched later counts."""

    def __init__(self, moment: Callable[[_E], datetime], most: int) -> None:
        """Make a table of at most `most` things, in the order of their moments."""
        self._moment = moment
        self._most = most
        self._newest: dict[str, _E] = {}
        # Counts the changes; an answer made from these events compares it to know whether it holds.
        self.version = 0

    def __len__(self) -> int:
        return len(self._newest)

    def add(self, event: _E, now: datetime) -> None:
        """Take an event, unless one about its subject was fetched later or at the same time."""
        subject = event.subject or str(event.id)
        known = self._newest.get(subject)
        if known is not None and known.fetchedat >= event.fetchedat:
            return
        self._newest[subject] = event
        self.version += 1
        if len(self._newest) > self._most:
            self._shed(now)

    def forget_before(self, moment: datetime) -> None:
        """Forget the events before a moment, which no answer shows any more."""
        old = [key for key, event in self._newest.items() if self._moment(event) < moment]
        for key in old:
            del self._newest[key]

    def between(self, start: datetime, end: datetime | None = None) -> list[_E]:
        """Return the events with `start <= moment < end`, in the order of their moments."""
        found = [
            event
            for event in self._newest.values()
            if start <= self._moment(event) and (end is None or self._moment(event) < end)
        ]
        return sorted(found, key=lambda event: (self._moment(event), event.subject or ""))

    def _shed(self, now: datetime) -> None:
        """Forget the tenth that is furthest from now: not one event, or each event would sort."""
        nearest = sorted(self._newest.items(), key=lambda item: abs(self._moment(item[1]) - now))
        self._newest = dict(nearest[: self._most * 9 // 10])
