"""Work in slices: each slice is bounded by number of items and by bytes."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

# A batch of 2,000 positions is below 3 MB. A decoded event with a large body takes about twelve
# times its bytes.
SLICE_BYTES = 8 * 2**20

_Item = TypeVar("_Item")


def in_slices(
    items: Sequence[_Item], size_of: Callable[[_Item], int], *, most: int | None = None
) -> Iterator[Sequence[_Item]]:
    """Yield items in order, in slices of at most `SLICE_BYTES` bytes and `most` items.

    An item that is larger than `SLICE_BYTES` gets a slice of its own.
    """
    start, size = 0, 0
    for index, item in enumerate(items):
        size += size_of(item)
        if index > start and (size > SLICE_BYTES or index - start == most):
            yield items[start:index]
            start, size = index, size_of(item)
    if start < len(items):
        yield items[start:]
