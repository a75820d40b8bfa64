"""Where a reader of the event streams stands: one entry id per stream."""

import re
from dataclasses import dataclass
from typing import Self

from libs.common.topology import EVENT_STREAMS

EntryId = tuple[int, int]
_ENTRY_ID = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")
_LARGEST = 2**64 - 1


def parse_entry_id(value: str) -> EntryId:
    """Return an entry id as numbers, which compare as the broker compares them.

    Raises:
        ValueError: It is none.
    """
    match = _ENTRY_ID.fullmatch(value)
    if match is None or max(parts := (int(match[1]), int(match[2]))) > _LARGEST:
        raise ValueError(f"expected a stream entry such as 1795415878683-0, got {value!r:.60}")
    return parts


def format_entry_id(entry: EntryId) -> str:
    """Return an entry id as the broker writes it."""
    return f"{entry[0]}-{entry[1]}"


@dataclass(frozen=True, slots=True)
class Offsets:
    """The last entry seen of each event stream, in the order of the layout.

    As text it is the `id:` of a live event: the stream entry, or as many of them as there are
    streams, joined by `_`. One number would not do: two streams count on their own, and in a
    cluster by different clocks.
    """

    entries: tuple[EntryId, ...] = ((0, 0),) * len(EVENT_STREAMS)

    def advanced(self, stream: int, entry: EntryId) -> "Offsets":
        """Return the offsets after one more entry of one stream."""
        return Offsets((*self.entries[:stream], entry, *self.entries[stream + 1 :]))

    def furthest(self, other: "Offsets") -> "Offsets":
        """Return the later entry of each stream."""
        return Offsets(tuple(map(max, self.entries, other.entries)))

    def encode(self) -> str:
        """Return them as text."""
        return "_".join(format_entry_id(entry) for entry in self.entries)

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
        return cls(tuple(parse_entry_id(part) for part in value.split("_")))
