"""The position of a reader in the event streams: one entry id per stream."""

from dataclasses import dataclass
from typing import Self

from libs.common.broker import EntryId
from libs.common.topology import EVENT_STREAMS


@dataclass(frozen=True, slots=True)
class Offsets:
    """The last entry seen of each event stream, in the order of the layout.

    As text it is the `id:` of a live event: the entry ids, one per stream, joined by `_`. One
    number would not do: every stream counts on its own, and in a cluster by its node's clock.
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
        """Return this position in streams that end at `ends`; None if they do not have it. Pure.

        They have no position ahead of an end, and none for another number of streams. A single
        entry stands for all streams: `0-0` is their beginning. In a stream that has not come so
        far, such an entry is the stream's end.
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
        """Read offsets from their text, however many there are.

        Raises:
            ValueError: One of them is no entry id.
        """
        return cls(tuple(EntryId.parse(part) for part in value.split("_")))
