"""The cache of one process: the answers that were used last, up to a number of bytes."""

from collections import OrderedDict

from services.gateway.cache.kept import Kept

# Size of an entry without its body: keys, times, validators.
_OVERHEAD_BYTES = 1_000
# The compressed form is kept beside the plain one, at about a quarter of its size.
_COMPRESSED_SHARE = 1.25


class Memory:
    """Keeps answers; the least recently used go first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def get(self, key: str) -> Kept | None:
        """Return an answer."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer."""
        former = self._kept.pop(key, None)
        if former is not None:
            self._bytes -= _size(former)
        self._kept[key] = kept
        self._bytes += _size(kept)
        while self._bytes > self._max_bytes and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= _size(dropped)


def _size(kept: Kept) -> int:
    return int(kept.size * _COMPRESSED_SHARE) + _OVERHEAD_BYTES
