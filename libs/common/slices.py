"""Work in slices: what is done at once is bounded by number and by bytes."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

# A batch of 2,000 positions is below 3 MB. Decoded, an event with a large body takes some twelve
# times its bytes.
SLICE_BYTES = 8 * 2**20

_Item = TypeVar("_Item")


def in_slices(
    items: Sequence[_Item], size_of: Callable[[_Item], int], *, most: int | None = None
) -> Iterator[Sequence[_Item]]:
    """Give items in order, in slices of at most `SLICE_BYTES` bytes and `most` items.

    An item that is larger than that is alone.
    """
    start, size = 0, 0
    for index, item in enumerate(items):
        size += size_of(item)
        if index > start and (size > SLICE_BYTES or index - start == most):
            yield items[start:index]
            start, size = index, size_of(item)
    if start < len(items):
        yield items[start:]
