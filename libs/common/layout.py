"""How the event streams are divided into partitions: the same in every process of the suite.

The events of one subject go to one partition, so their order is kept. Nothing else is ordered: a
stream with several partitions is several streams, which may live on different nodes of a cluster.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from zlib import crc32

from libs.common.events import Event
from libs.common.topology import (
    COMMANDS_REFRESH,
    EVENT_STREAMS,
    EVENTS_DEAD,
    REQUEST_STREAMS,
    Stream,
    stream_of,
)

# Each partition costs every reader one or two connections.
MOST_PARTITIONS = 64
_PART = re.compile(r"([a-z]+)=([0-9]{1,4})")


class Layout:
    """The event streams of one installation.

    Attributes:
        counts: The number of partitions of every event stream, by the stream's name.
        event_streams: All partitions, in an order that is the same in every process.
        streams: These partitions and all other streams.
    """

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        self.counts = {stream.name: 1 for stream in EVENT_STREAMS} | dict(counts or {})
        self._partitions = {
            stream: _divided(stream, self.counts[stream.name]) for stream in EVENT_STREAMS
        }
        self.event_streams = tuple(chain.from_iterable(self._partitions.values()))
        self.streams = (*self.event_streams, *REQUEST_STREAMS, COMMANDS_REFRESH, EVENTS_DEAD)

    @classmethod
    def parse(cls, value: str) -> "Layout":
        """Read `iss=4,osdr=2`; a stream that is not named has one partition.

        Raises:
            ValueError: A part is not NAME=COUNT with the name of an event stream.
        """
        names = {stream.name for stream in EVENT_STREAMS}
        counts: dict[str, int] = {}
        for part in filter(None, re.split(r"[\s,]+", value)):
            match = _PART.fullmatch(part)
            if (
                match is None
                or match[1] not in names
                or match[1] in counts
                or not 1 <= int(match[2]) <= MOST_PARTITIONS
            ):
                raise ValueError(
                    f"expected NAME=COUNT, separated by commas, each of {', '.join(sorted(names))}"
                    f" once at most, with a COUNT from 1 to {MOST_PARTITIONS}; {part!r} is not"
                )
            counts[match[1]] = int(match[2])
        return cls(counts)

    def stream_of(self, event: Event) -> Stream:
        """Return the partition that an event belongs to."""
        partitions = self._partitions[stream_of(event)]
        if len(partitions) == 1:
            return partitions[0]
        key = event.subject or str(event.id)
        return partitions[crc32(key.encode()) % len(partitions)]

    def partitions(self, stream: Stream) -> tuple[Stream, ...]:
        """Return the partitions of an event stream."""
        return self._partitions[stream]

    def __str__(self) -> str:
        return ",".join(f"{name}={count}" for name, count in self.counts.items())


def _divided(stream: Stream, count: int) -> tuple[Stream, ...]:
    if count == 1:
        # An undivided stream keeps the key that it had before partitions were introduced.
        return (stream,)
    return tuple(replace(stream, key=f"{stream.key}:{number}") for number in range(count))


UNDIVIDED = Layout()
"""One partition for every event stream: the default."""
