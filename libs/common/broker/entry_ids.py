"""The ids of stream entries: when the broker accepted an entry, and its place among others."""

import re
from typing import NamedTuple, Self

from libs.common.broker.entries import text

_FORM = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")
_LARGEST = 2**64 - 1


class EntryId(NamedTuple):
    """The id of an entry; it compares as the broker compares it.

    Attributes:
        accepted_ms: When the broker accepted the entry, in Unix milliseconds by the broker's clock.
        sequence: Its number among the entries of the same millisecond.
    """

    accepted_ms: int
    sequence: int

    @classmethod
    def parse(cls, value: bytes | str) -> Self:
        """Read an id as the broker writes it.

        Raises:
            ValueError: It is not an id.
        """
        match = _FORM.fullmatch(text(value))
        if match is None or max(entry := cls(int(match[1]), int(match[2]))) > _LARGEST:
            raise ValueError(f"expected a stream entry such as 1795415878683-0, got {value!r:.60}")
        return entry

    def __str__(self) -> str:
        """Return the id as the broker writes it."""
        return f"{self.accepted_ms}-{self.sequence}"

    @property
    def before(self) -> "EntryId":
        """The largest id below this one; the smallest possible id is returned itself."""
        if self.sequence:
            return EntryId(self.accepted_ms, self.sequence - 1)
        return EntryId(self.accepted_ms - 1, _LARGEST) if self.accepted_ms else self
