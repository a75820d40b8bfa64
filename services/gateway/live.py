"""The live stream: one reader for all clients, a bounded queue for each."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from libs.common import metrics
from libs.common.broker import EntryId, body_of
from libs.common.events import Event, decode_batch
from libs.common.topology import EVENT_STREAMS, Stream
from services.gateway.extents import Extent, extent_of
from services.gateway.offsets import Offsets

# Entries per read for a client that catches up; this bounds the memory that it takes.
REPLAY_PAGE = 500
# After this many events that a client did not ask for, it is told its position. So no more than
# twice as many are read again for it when it returns.
MOST_PASSED = 100
# The entry of an event that the streams no longer have.
NOWHERE = EntryId(0, 0)


@dataclass(frozen=True, slots=True)
class Frame:
    """An event as every client gets it: rendered once, shared by all."""

    type: str
    stream: int
    entry: EntryId
    data: bytes

    @classmethod
    def of(cls, event: Event, stream: int, entry: EntryId, offsets: Offsets) -> "Frame":
        """Render an event in one `data:` line: its JSON has no line breaks."""
        head = f"id: {offsets.encode()}\nevent: {event.type}\ndata: ".encode()
        return cls(event.type, stream, entry, head + event.encode() + b"\n\n")

    @property
    def without_id(self) -> bytes:
        """The frame as part of a state, which has one id as a whole."""
        return self.data.partition(b"\n")[2]


class LiveClient:
    """The queue of one client, which wants events of some types, or of all (None)."""

    def __init__(self, length: int, wanted: frozenset[str] | None = None) -> None:
        self._wanted = wanted
        self._frames: deque[Frame] = deque(maxlen=length)
        self._arrived = asyncio.Event()
        self._passed = 0
        self.dropped = 0
        self.is_over = False

    def wants(self, frame: Frame) -> bool:
        """Whether a frame is of a type that the client asked for."""
        return self._wanted is None or frame.type in self._wanted

    def put(self, frame: Frame) -> None:
        """Queue a frame that the client wants; a full queue loses its oldest."""
        if not self.wants(frame):
            self._passed += 1
            if self._passed >= MOST_PASSED:
                self._arrived.set()
            return
        if len(self._frames) == self._frames.maxlen:
            self.dropped += 1
            metrics.LIVE_DROPPED.inc()
        self._frames.append(frame)
        self._arrived.set()

    def wake(self) -> None:
        """End the wait without a frame."""
        self._arrived.set()

    def dismiss(self) -> None:
        """Have the client's connection end: its position is not in the streams any more."""
        self.is_over = True
        self.wake()

    def clear(self) -> None:
        """Empty the queue: its events will be read from the streams instead."""
        self._frames.clear()
        self._passed = 0
        self.dropped = 0

    async def next(self) -> tuple[list[Frame], int]:
        """Wait; return the frames that have come, and how many were lost before them.

        There is no frame if the client was woken, or if many events were not for it. Until the
        caller awaits something else, the hub's offsets are the client's position.
        """
        await self._arrived.wait()
        self._arrived.clear()
        frames, dropped = list(self._frames), self.dropped
        self.clear()
        return frames, dropped


class LiveHub:
    """Hands every event to every client."""

    def __init__(
        self, redis: Redis, queue_length: int, streams: Sequence[Stream] = EVENT_STREAMS
    ) -> None:
        self.streams = streams
        self._redis = redis
        self._queue_length = queue_length
        self._clients: set[LiveClient] = set()
        self._latest: dict[str, Frame] = {}
        self.offsets = Offsets((NOWHERE,) * len(streams))
        self.closing = False

    @contextmanager
    def client(self, wanted: frozenset[str] | None = None) -> Iterator[LiveClient]:
        """Register a client for as long as the body runs."""
        client = LiveClient(self._queue_length, wanted)
        self._clients.add(client)
        metrics.LIVE_CLIENTS.set(len(self._clients))
        try:
            yield client
        finally:
            self._clients.discard(client)
            metrics.LIVE_CLIENTS.set(len(self._clients))

    def publish(self, event: Event, stream: int, entry: EntryId) -> None:
        """Hand an event to all clients."""
        self.offsets = self.offsets.advanced(stream, entry)
        frame = Frame.of(event, stream, entry, self.offsets)
        self._latest[event.type] = frame
        for client in self._clients:
            client.put(frame)

    def seed(self, events: Iterable[Event]) -> None:
        """Take stored events for the newest of their types, where the streams have none."""
        for event in sorted(events, key=lambda event: event.fetchedat):
            known = self._latest.get(event.type)
            if known is None or known.entry == NOWHERE:
                self._latest[event.type] = Frame.of(event, 0, NOWHERE, self.offsets)

    def skip(self, stream: int, entry: EntryId) -> None:
        """Advance past an entry that is no event; it has a position in the stream all the same."""
        self.offsets = self.offsets.advanced(stream, entry)

    def rewind(self, stream: int) -> None:
        """Go back to before a stream; dismiss the clients, which cannot go back and reconnect."""
        self.offsets = self.offsets.advanced(stream, NOWHERE)
        for client in self._clients:
            client.dismiss()

    def latest(self) -> list[Frame]:
        """Return the newest frame of every type, oldest first."""
        return sorted(self._latest.values(), key=lambda frame: frame.entry)

    def close(self) -> None:
        """Wake all clients, so that their connections end."""
        self.closing = True
        for client in self._clients:
            client.wake()

    async def replay(self, since: Offsets, until: Offsets) -> AsyncIterator[Frame]:
        """Read from the streams again what came after `since`, up to and including `until`."""
        offsets = since
        for index, stream in enumerate(self.streams):
            last = until.entries[index]
            while offsets.entries[index] < last:
                page: Any = await self._redis.xrange(
                    stream.key,
                    min=f"({offsets.entries[index]}",
                    max=str(last),
                    count=REPLAY_PAGE,
                )
                if not page:
                    break
                events = decode_batch([body_of(fields) for _, fields in page])
                for (entry_id, _), event in zip(page, events, strict=True):
                    entry = EntryId.parse(entry_id)
                    offsets = offsets.advanced(index, entry)
                    if isinstance(event, Event):
                        yield Frame.of(event, index, entry, offsets)

    async def extents(self) -> list[Extent]:
        """Return how far each stream reaches at the broker, which may be ahead of this process."""
        return [await extent_of(self._redis, stream) for stream in self.streams]
