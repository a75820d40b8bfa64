"""Reading the dead letters, oldest first, and selecting some of them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from libs.common.broker import EntryId, text
from libs.common.errors import CassiopeiaError
from libs.common.topology import EVENTS_DEAD

# Letters that are published or removed at once.
PAGE = 100
# Letters that are read at once. Few, because a body, usually a kilobyte, may have 8 MiB.
_READ = 8
_EVENTS = EVENTS_DEAD.key.rpartition(":")[0]


class NoSuchLetterError(CassiopeiaError):
    """There is no letter with an id that was named."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter.

    Attributes:
        id: Its id in the stream of the dead letters.
        stream: The stream that its body came from; None for the body of an upstream.
        source: The source whose upstream sent the body; None for an entry of a stream.
        reason: Why it could not be handled.
        body: The original bytes.
        details: Everything else that is known, by name.
    """

    id: str
    stream: str | None
    source: str | None
    reason: str
    body: bytes
    details: Mapping[str, str]

    @classmethod
    def of(cls, letter_id: bytes | str, fields: Mapping[bytes, bytes]) -> "Letter":
        """Read an entry of the letters' stream, even one that somebody made by hand."""
        known = {
            text(name): value.decode(errors="replace")
            for name, value in fields.items()
            if name != b"body"
        }
        return cls(
            id=text(letter_id),
            stream=known.pop("stream", None),
            source=known.pop("source", None),
            reason=known.pop("reason", ""),
            body=fields.get(b"body", b""),
            details=known,
        )

    @property
    def origin(self) -> str:
        """Where its body came from, as the metric `cassiopeia_dead_letters_total` calls it."""
        return self.stream or f"upstream:{self.source}"

    @property
    def written_at(self) -> datetime:
        """When it was written, according to its id."""
        milliseconds = EntryId.parse(self.id).accepted_ms
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters are selected; a field that is not set excludes none.

    Attributes:
        ids: Only the letters with these ids.
        stream: Their origin: a key, its part after `cassiopeia:events:`, or `upstream:<source>`.
        reason: A part of the reason, in upper or lower case.
        since: Written at this time or later.
        until: Written before this time.
        limit: At most this many, the oldest ones.
    """

    ids: Sequence[str] = ()
    stream: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None

    @property
    def is_everything(self) -> bool:
        """Whether it selects all letters."""
        return self == Selection()

    def has(self, letter: Letter) -> bool:
        """Tell whether a letter, which must be of the right time, is selected."""
        if self.reason and self.reason.casefold() not in letter.reason.casefold():
            return False
        if self.stream is None:
            return True
        key = f"{_EVENTS}:{self.stream}"
        return letter.origin in (self.stream, key) or letter.origin.startswith(f"{key}:")


async def select(redis: Redis, selection: Selection) -> AsyncIterator[Letter]:
    """Yield the selected letters that were written before this call.

    A replayed body that is still bad becomes a new letter. If new letters were included, a replay
    of everything would never end.

    Raises:
        NoSuchLetterError: There is no letter with one of the ids.
    """
    found = 0
    async for letter in _named(redis, selection.ids) if selection.ids else _all(redis, selection):
        if found == selection.limit:
            return
        if selection.has(letter):
            found += 1
            yield letter


async def _named(redis: Redis, ids: Sequence[str]) -> AsyncIterator[Letter]:
    for letter_id in ids:
        page: Any = await redis.xrange(EVENTS_DEAD.key, min=letter_id, max=letter_id)
        if not page:
            raise NoSuchLetterError(f"there is no letter {letter_id}: see `dead list` for the ids")
        yield Letter.of(*page[0])


async def _all(redis: Redis, selection: Selection) -> AsyncIterator[Letter]:
    newest: Any = await redis.xrevrange(EVENTS_DEAD.key, count=1)
    if not newest:
        return
    after = str(_milliseconds(selection.since)) if selection.since else "-"
    last = EntryId.parse(newest[0][0])
    if selection.until:
        last = min(last, EntryId(_milliseconds(selection.until), 0).before)
    while True:
        page: Any = await redis.xrange(EVENTS_DEAD.key, min=after, max=str(last), count=_READ)
        for letter_id, fields in page:
            yield Letter.of(letter_id, fields)
        if len(page) < _READ:
            return
        after = f"({text(page[-1][0])}"


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)
