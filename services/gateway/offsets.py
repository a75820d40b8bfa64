"""Where a reader of the event streams stands: one entry id per stream."""

from dataclasses import dataclass
from typing import Self

from libs.common.broker import EntryId
from libs.common.topology import EVENT_STREAMS


@dataclass(frozen=True, slots=True)
class Offsets:
    """The last entry seen of each event stream, in the order of the layout.

    As text it is the `id:` of a live event: the stream entry, or as many of them as there are
    streams, joined by `_`. One number would not do: two streams count on their own, and in a
    cluster by different clocks.
    """

    entries: tuple[EntryId, ...] = (EntryId(0, 0),) * len(EVENT_STREAMS)

    def advanced(self, stream: int, entry: EntryId) -> "Offsets":
        """Return the offsets after one more entry of one stream."""
        return Offsets((*self.entries[:stream], entry, *self.entries[stream + 1 :]))

    def furthest(self, other: "Offsets") -> "Offsets":
        """Return the later entry of each stream."""
        return Offsets(tuple(map(max, self.entries, other.entries)))

    def encode(self) -> str:
        """Return them as text."""
        return "_".join(str(entry) for entry in self.entries)

    def within(self, ends: "Offsets") -> "Offsets | None":
        """Return the same place in the streams that end at `ends`; None when there is none. Pure.

        There is none ahead of an end, and none for another number of streams. A single entry
        stands for all streams, as in `0-0`, from the beginning; in those that have not come so far
        it is their end.
        """
        if len(self.entries) == 1:
            (entry,) = self.entries
            if entry > max(ends.entries):
                return None
            return Offsets(tuple(min(entry, end) for end in ends.entries))
        is_known = len(self.entries) == len(ends.entries) and self.furthest(ends) == ends
        return self if is_known else None

    @classmethod
    def decode(cls, value: str) -> Self:
        """Read them back, as many as there are.

        Raises:
            ValueError: One is no stream entry.
        """
        return cls(tuple(EntryId.parse(part) for part in value.split("_")))
