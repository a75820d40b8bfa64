"""An answer made from the present state, kept as long as it holds."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from services.gateway.ready import Ready

_T = TypeVar("_T")

# How long an answer holds that time alone never changes.
ALWAYS = datetime.max.replace(tzinfo=UTC)


def start_of_day(moment: datetime) -> datetime:
    """Return the midnight of UTC at or before a moment."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def next_day(moment: datetime) -> datetime:
    """Return the midnight of UTC after a moment."""
    return start_of_day(moment) + timedelta(days=1)


class View(Generic[_T]):
    """An answer that is made on request, and again only after an event or when its time is over.

    Sixty asteroids that come in one poll cause one rendering, and so does a midnight without any
    event.
    """

    def __init__(
        self, make: Callable[[datetime], tuple[_T, datetime]], version: Callable[[], object]
    ) -> None:
        """Take what makes the answer and says until when it holds, and what gives the version."""
        self._make = make
        self._version = version
        self._made: tuple[_T, datetime, object] | None = None

    def at(self, now: datetime) -> _T:
        """Return the answer as it is now."""
        version = self._version()
        if self._made is not None:
            value, until, made_of = self._made
            if made_of == version and now < until:
                return value
        value, until = self._make(now)
        self._made = (value, until, version)
        return value


class Joined:
    """One answer of ready-made parts, joined again when one of them has changed."""

    def __init__(self) -> None:
        self._parts: Mapping[str, bytes] = {}
        self._ready: Ready | None = None

    def of(self, parts: Mapping[str, bytes], now: datetime) -> Ready:
        """Return the JSON object of these parts; its age counts from when they were joined."""
        if self._ready is None or parts != self._parts:
            self._parts = parts
            self._ready = Ready.of(joined(parts), now)
        return self._ready


def joined(parts: Mapping[str, bytes]) -> bytes:
    """Return a JSON object of values that are JSON already."""
    return b"{%b}" % b",".join(b'"%b":%b' % (name.encode(), part) for name, part in parts.items())
