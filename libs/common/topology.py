"""Every stream, its consumer groups and its retention, in one table.

A group that is named here is created at entry `0` before anything is published or read. So even a
consumer that starts for the first time later misses nothing (ADR 0002).
"""

from dataclasses import dataclass
from datetime import timedelta

from libs.common.events import (
    ApodEvent,
    AstroEventEvent,
    CoronalMassEjectionEvent,
    Event,
    IssElementsEvent,
    IssPositionEvent,
    JwstImageEvent,
    LaunchEvent,
    NearEarthObjectEvent,
    OsdrDatasetEvent,
    SolarFlareEvent,
)

PERSISTENCE = "persistence"


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of the broker.

    Attributes:
        key: The broker's key.
        groups: The consumer groups that must have acknowledged an entry before it is trimmed.
        retention: How long an entry is kept at least.
        max_entries: A bound for a stream that nobody acknowledges; None where acknowledgement
            bounds the stream.
        largest_body: The most bytes of an entry, which is as much as its producer reads of an
            upstream's answer.
        max_batch: The most entries of one read; the broker offers no other bound.
    """

    key: str
    groups: tuple[str, ...] = ()
    retention: timedelta = timedelta(days=1)
    max_entries: int | None = None
    largest_body: int = 64 * 1024
    max_batch: int = 10_000

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.key.rpartition(":")[2]

    def has(self, key: str) -> bool:
        """Whether a key is that of the stream or of one of its partitions, however many it has."""
        return f"{key}:".startswith(f"{self.key}:")


def _questions(name: str, *, answered_by: str) -> Stream:
    return Stream(
        f"cassiopeia:commands:{name}",
        groups=(answered_by,),
        retention=timedelta(minutes=1),
        max_entries=1_000,
    )


EVENTS_ISS = Stream("cassiopeia:events:iss", groups=(PERSISTENCE,))
# A consumer holds up to three batches, so `max_batch` bounds its memory where bodies may be large.
# Only positions come at a rate at which the size of a batch affects the speed.
EVENTS_OSDR = Stream(
    "cassiopeia:events:osdr", groups=(PERSISTENCE,), largest_body=2 * 2**20, max_batch=16
)
EVENTS_JWST = Stream(
    "cassiopeia:events:jwst", groups=(PERSISTENCE,), largest_body=4 * 2**20, max_batch=8
)
EVENTS_ASTRO = Stream(
    "cassiopeia:events:astro", groups=(PERSISTENCE,), largest_body=2**20, max_batch=32
)
EVENTS_SPACE = Stream(
    "cassiopeia:events:space", groups=(PERSISTENCE,), largest_body=8 * 2**20, max_batch=4
)
# A hint that is worthless after seconds: every replica reads it, and the leader acts on it.
COMMANDS_REFRESH = Stream(
    "cassiopeia:commands:refresh", retention=timedelta(minutes=1), max_entries=1_000
)
# Questions, each answered by one replica of the named service (`libs/common/requests.py`). A
# question that nobody has taken before the asking side gives up is worthless.
COMMANDS_ASTRO_EVENTS = _questions("astro.events", answered_by="ingest_astro")
COMMANDS_ISS_PASSES = _questions("iss.passes", answered_by="ingest_iss")
COMMANDS_ISS_TRACK = _questions("iss.track", answered_by="ingest_iss")
# Enough for one bad record every 26 seconds for a month; `dead_letters.py` also bounds the bytes.
EVENTS_DEAD = Stream("cassiopeia:events:dead", retention=timedelta(days=30), max_entries=100_000)

EVENT_STREAMS = (EVENTS_ISS, EVENTS_OSDR, EVENTS_JWST, EVENTS_ASTRO, EVENTS_SPACE)
REQUEST_STREAMS = (COMMANDS_ASTRO_EVENTS, COMMANDS_ISS_PASSES, COMMANDS_ISS_TRACK)
ALL_STREAMS = (*EVENT_STREAMS, *REQUEST_STREAMS, COMMANDS_REFRESH, EVENTS_DEAD)

_STREAM_OF: dict[type[Event], Stream] = {
    AstroEventEvent: EVENTS_ASTRO,
    IssPositionEvent: EVENTS_ISS,
    IssElementsEvent: EVENTS_ISS,
    JwstImageEvent: EVENTS_JWST,
    OsdrDatasetEvent: EVENTS_OSDR,
    ApodEvent: EVENTS_SPACE,
    NearEarthObjectEvent: EVENTS_SPACE,
    SolarFlareEvent: EVENTS_SPACE,
    CoronalMassEjectionEvent: EVENTS_SPACE,
    LaunchEvent: EVENTS_SPACE,
}


def stream_of(event: Event) -> Stream:
    """Return the stream that an event belongs to."""
    return stream_of_class(type(event))


def stream_of_class(event_class: type[Event]) -> Stream:
    """Return the stream that the events of a class belong to."""
    return _STREAM_OF[event_class]
