"""An answer that needs no work: bytes and validators, compressed at most once."""

import gzip
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from hashlib import blake2b

JSON = "application/json"

# Below the size of a network packet, compression saves nothing but costs both sides.
COMPRESS_ABOVE = 1_024
# Level 4 is within 5 % of the size of 9, for a quarter of the time.
_LEVEL = 4


@dataclass(slots=True)
class Ready:
    """A prepared answer.

    Attributes:
        body: The body as sent to clients that do not take gzip.
        time: When its content was true; its age counts from here.
        changed_at: Since when these bytes are the answer; later than `time` if something other
            than a newer datum changed them.
        etag: The ETag of the plain body, quoted.
        last_modified: `changed_at` as HTTP writes it.
        media: Its content type.
        link: The `Link` header of a page; None on the last.
        policy: The Content-Security-Policy of an answer that a browser shows as a page.
    """

    body: bytes
    time: datetime
    changed_at: datetime
    etag: str
    last_modified: str
    media: str = JSON
    link: str | None = None
    policy: str | None = None
    _gzipped: bytes | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        body: bytes,
        time: datetime,
        *,
        changed_at: datetime | None = None,
        media: str = JSON,
        link: str | None = None,
        policy: str | None = None,
    ) -> "Ready":
        """Prepare an answer; it changes with `time` alone, unless `changed_at` says otherwise."""
        changed_at = changed_at or time
        etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        last_modified = format_datetime(changed_at, usegmt=True)
        return cls(body, time, changed_at, etag, last_modified, media, link, policy)

    @property
    def is_worth_compressing(self) -> bool:
        """Whether gzip makes it smaller by more than it costs."""
        return len(self.body) > COMPRESS_ABOVE

    @property
    def gzipped(self) -> bytes:
        """The body, compressed when it is first asked for."""
        if self._gzipped is None:
            # Without a time stamp, so that the same body gives the same bytes on every replica.
            self._gzipped = gzip.compress(self.body, _LEVEL, mtime=0)
        return self._gzipped
