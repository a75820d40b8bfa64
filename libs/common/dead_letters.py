"""Dead letters: entries and bodies that could not be handled, kept whole with the reason.

A dead letter and its entry may live on two nodes of a cluster, so no script can move one to the
other. Instead there are two idempotent steps: the letter is written, once per entry however often
it is tried, and only then is the entry acknowledged (ADR 0005).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from redis.asyncio import Redis

from libs.common import metrics
from libs.common.broker.copies import Copies
from libs.common.clock import iso
from libs.common.consuming.pending import Entry, PendingList
from libs.common.events import Provenance
from libs.common.logging import get_logger
from libs.common.slices import in_slices
from libs.common.topology import EVENTS_DEAD

_log = get_logger(__name__)

_Fields = Mapping[str, str | bytes]

# A reason of ours is one sentence; a longer one comes from a library.
MAX_REASON_LENGTH = 500

# While a script runs, the broker serves no other client.
_LETTERS_PER_CALL = 100

# The braces (a hash tag) keep these keys on the letters' node of a cluster. First the marks of what
# has a letter, scored by the time at which the letter was written:
KNOWN_KEY = f"{{{EVENTS_DEAD.key}}}:known"
# Then the bytes of each letter, and their sum for each share:
SIZES_KEY = f"{{{EVENTS_DEAD.key}}}:sizes"

_FORGET = """
local function forget(id, share)
  local size = redis.call('HGET', KEYS[1], id)
  if not size then return end
  redis.call('HDEL', KEYS[1], id)
  redis.call('HINCRBY', KEYS[1], share, -size)
end
"""

# ARGV: a share's name, the most letters and bytes that it may hold, a letter's life in seconds, the
# most marks; then for each letter its mark, the number of words that follow, and its fields and
# values. A mark lives as long as a letter.
_WRITE = f"""
{_FORGET}
local sizes, letters, known, kept = unpack(KEYS)
local share, most, most_bytes, life, marks = unpack(ARGV, 1, 5)
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', known, '-inf', now - life)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', kept, '-inf', now - life)) do
  forget(id, share)
end
redis.call('ZREMRANGEBYSCORE', kept, '-inf', now - life)
local written, at = 0, 6
while at < #ARGV do
  local last = at + 1 + ARGV[at + 1]
  if redis.call('ZADD', known, 'NX', now, ARGV[at]) == 1 then
    local size = 0
    for i = at + 2, last do size = size + #ARGV[i] end
    local id = redis.call('XADD', letters, '*', unpack(ARGV, at + 2, last))
    redis.call('ZADD', kept, now, id)
    redis.call('HSET', sizes, id, size)
    redis.call('HINCRBY', sizes, share, size)
    written = written + 1
  end
  at = last + 1
end
redis.call('ZREMRANGEBYRANK', known, 0, -1 - marks)
local displaced, left = 0, redis.call('ZCARD', kept)
while left > 1 and (left > tonumber(most)
    or tonumber(redis.call('HGET', sizes, share) or 0) > tonumber(most_bytes)) do
  local id = redis.call('ZPOPMIN', kept)[1]
  forget(id, share)
  displaced = displaced + redis.call('XDEL', letters, id)
  left = left - 1
end
return {{written, displaced}}
"""

# ARGV: a share's name, then ids.
_REMOVE = f"""
{_FORGET}
local sizes, letters, kept = unpack(KEYS)
for i = 2, #ARGV do
  redis.call('ZREM', kept, ARGV[i])
  forget(ARGV[i], ARGV[1])
  redis.call('XDEL', letters, ARGV[i])
end
"""


class _Share(NamedTuple):
    """A part of the letters: when it is full, its own oldest letters make room, no others.

    Attributes:
        name: `entries`, or `upstream:` and the source whose upstream sent the bodies.
        letters: The most letters that it may hold.
        size: The most bytes that they may have.
    """

    name: str
    letters: int
    size: int

    @property
    def key(self) -> str:
        """The key of its letters' ids, scored by the time at which they were written."""
        return f"{{{EVENTS_DEAD.key}}}:kept:{self.name}"


# Large, because a letter may be the only copy of an accepted entry: 100,000 of 1 KiB are 100 MB.
_ENTRIES = _Share("entries", EVENTS_DEAD.max_entries or 100_000, 128 * 2**20)


def _share_of(source: str | None) -> _Share:
    """Return the share of a source's upstream, or that of the entries when there is no source.

    What an upstream sends instead of data may differ at each poll. 20 MiB hold two of the largest
    answers, or hundreds of error pages: enough to see what it sent.
    """
    return _ENTRIES if source is None else _Share(f"upstream:{source}", 1_000, 20 * 2**20)


@dataclass(frozen=True, slots=True)
class Rejection:
    """An entry that the handler rejects, and why."""

    entry: Entry
    reason: str


class DeadLetters:
    """Writes to the dead-letter stream."""

    def __init__(self, redis: Redis) -> None:
        self._write_letters = redis.register_script(_WRITE)
        self._remove_letters = redis.register_script(_REMOVE)
        self._copies = Copies.of(redis)

    async def divert(
        self, rejections: Sequence[Rejection], *, pending: PendingList, at: str
    ) -> int:
        """Write letters about entries of a pending list, then acknowledge the entries.

        If the process is killed in between, the next try writes no second letter and acknowledges.
        An entry that another consumer has acknowledged meanwhile gets no letter.

        Returns:
            How many letters are new.
        """
        if not rejections:
            return 0
        held = await pending.hold([rejection.entry.id for rejection in rejections])
        ours = [rejection for rejection in rejections if rejection.entry.id in held]
        written = await self._write(
            _ENTRIES,
            {
                f"{pending.stream} {pending.group} {rejection.entry.id}": {
                    "stream": pending.stream,
                    "entry": rejection.entry.id,
                    "group": pending.group,
                    "consumer": pending.consumer,
                    "at": at,
                    "reason": rejection.reason[:MAX_REASON_LENGTH],
                    "body": rejection.entry.body,
                }
                for rejection in ours
            },
        )
        await pending.acknowledge([rejection.entry.id for rejection in ours])
        metrics.DEAD_LETTERS.labels(pending.stream).inc(written)
        return written

    async def add_body(
        self, body: bytes, reason: str, *, source: str, provenance: Provenance
    ) -> None:
        """Keep an upstream's body that became no event; an equal body makes no second letter."""
        mark = f"{source} {blake2b(body, digest_size=16).hexdigest()}"
        fields: dict[str, str | bytes] = {
            "source": source,
            "provider": provenance.provider,
            "at": iso(provenance.fetched_at),
            "reason": reason[:MAX_REASON_LENGTH],
            "body": body,
        }
        written = await self._write(_share_of(source), {mark: fields})
        metrics.DEAD_LETTERS.labels(f"upstream:{source}").inc(written)

    async def remove(self, letter_ids: Sequence[str], source: str | None) -> None:
        """Remove letters: all of one source's upstream, or, without a source, all of entries."""
        share = _share_of(source)
        await self._remove_letters(
            keys=[SIZES_KEY, EVENTS_DEAD.key, share.key], args=[share.name, *letter_ids]
        )

    async def _write(self, share: _Share, letters: Mapping[str, _Fields]) -> int:
        """Write each letter whose mark is not known; return how many were written.

        Raises:
            DependencyUnavailableError: A failover might lose some of them; write them again.
        """
        if not letters:
            return 0
        written = 0
        for page in in_slices(list(letters.items()), _size, most=_LETTERS_PER_CALL):
            written += await self._write_page(share, page)
        if self._copies:
            # The entries are acknowledged next; from then on only the letters hold their bodies.
            await self._copies.confirm(EVENTS_DEAD)
        return written

    async def _write_page(self, share: _Share, page: Sequence[tuple[str, _Fields]]) -> int:
        life_s = int(EVENTS_DEAD.retention.total_seconds())
        arguments: list[Any] = [share.name, share.letters, share.size, life_s, _ENTRIES.letters]
        for mark, fields in page:
            arguments += [mark, 2 * len(fields)]
            for name, value in fields.items():
                arguments += [name, value]
        keys = [SIZES_KEY, EVENTS_DEAD.key, KNOWN_KEY, share.key]
        written, displaced = await self._write_letters(keys=keys, args=arguments)
        if displaced:
            metrics.DEAD_LETTERS_DISPLACED.labels(share.name).inc(displaced)
            _log.warning("dead_letters_displaced", share=share.name, letters=displaced)
        return int(written)


def _size(letter: tuple[str, _Fields]) -> int:
    return sum(map(len, letter[1].values()))
