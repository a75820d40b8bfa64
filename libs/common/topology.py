"""Every stream, its consumer groups and its retention, in one table.

A group that is named here is created at entry `0` before anything is published or read, so that
a consumer that was never started misses nothing (ADR 0002).
"""

from dataclasses import dataclass
from datetime import timedelta

from libs.common.events import Event, IssElementsEvent, IssPositionEvent

PERSISTENCE = "persistence"


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of the broker.

    Attributes:
        key: The broker's key.
        groups: The consumer groups that must have acknowledged an entry before it may go.
        retention: How long an entry stays at least.
        max_entries: A bound on what nobody acknowledges; None where acknowledgement bounds it.
    """

    key: str
    groups: tuple[str, ...] = ()
    retention: timedelta = timedelta(days=1)
    max_entries: int | None = None


EVENTS_ISS = Stream("cassiopeia:events:iss", groups=(PERSISTENCE,))
# A hint that loses its meaning within seconds: every replica reads it, the leader acts.
COMMANDS_REFRESH = Stream(
    "cassiopeia:commands:refresh", retention=timedelta(minutes=1), max_entries=1_000
)
# At 1 KiB each, 100,000 letters are 100 MB: a month of one bad record every 26 seconds.
EVENTS_DEAD = Stream("cassiopeia:events:dead", retention=timedelta(days=30), max_entries=100_000)

EVENT_STREAMS = (EVENTS_ISS,)
ALL_STREAMS = (*EVENT_STREAMS, COMMANDS_REFRESH, EVENTS_DEAD)

_STREAM_OF: dict[type[Event], Stream] = {
    IssPositionEvent: EVENTS_ISS,
    IssElementsEvent: EVENTS_ISS,
}


def stream_of(event: Event) -> Stream:
    """Return the stream that an event belongs to."""
    return stream_of_class(type(event))


def stream_of_class(event_class: type[Event]) -> Stream:
    """Return the stream that the events of a class belong to."""
    return _STREAM_OF[event_class]
