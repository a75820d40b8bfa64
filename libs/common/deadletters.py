"""Dead letters: what nobody could take, kept whole in one stream with the reason.

A letter and the entry that it was may live on two nodes of a cluster, so no script can move one
to the other. They are two steps, which may be repeated: a letter is written once per entry however
often it is tried, and only then is the entry acknowledged (ADR 0005).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from redis.asyncio import Redis

from libs.common import metrics
from libs.common.broker.copies import Copies
from libs.common.clock import iso
from libs.common.events import Provenance
from libs.common.pending import Entry, PendingList
from libs.common.topology import EVENTS_DEAD

# A reason is one sentence; a longer one is some library's essay.
MAX_REASON_LENGTH = 500

# While a script runs the broker serves nobody else, and a body may be a megabyte.
_LETTERS_PER_CALL = 100

# Who has a letter, by the time at which it was written. The braces put it beside the letters in
# a cluster.
KNOWN_KEY = f"{{{EVENTS_DEAD.key}}}:known"

# ARGV: letters at most, their life in seconds; then for each its mark, and how many words of
# fields and values follow. A mark lives as long as a letter does, and there are as many at most.
_WRITE = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[2])
local written, at = 0, 3
while at < #ARGV do
  local last = at + 1 + ARGV[at + 1]
  if redis.call('ZADD', KEYS[2], 'NX', now, ARGV[at]) == 1 then
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, at + 2, last))
    written = written + 1
  end
  at = last + 1
end
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[1])
return written
"""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An entry that cannot be taken, and why."""

    entry: Entry
    reason: str


class DeadLetters:
    """Writes to the dead-letter stream."""

    def __init__(self, redis: Redis) -> None:
        self._write_letters = redis.register_script(_WRITE)
        self._copies = Copies.of(redis)

    async def divert(
        self, rejections: Sequence[Rejection], *, pending: PendingList, at: str
    ) -> int:
        """Write letters about entries of a pending list, then acknowledge them.

        Killed in between, the next try writes no second letter and acknowledges. What somebody
        else has acknowledged meanwhile is his, and gets no letter from us.

        Returns:
            How many letters are new.
        """
        if not rejections:
            return 0
        held = await pending.hold([rejection.entry.id for rejection in rejections])
        ours = [rejection for rejection in rejections if rejection.entry.id in held]
        written = await self._write(
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
            }
        )
        await pending.acknowledge([rejection.entry.id for rejection in ours])
        metrics.DEAD_LETTERS.labels(pending.stream).inc(written)
        return written

    async def add_body(
        self, body: bytes, reason: str, *, source: str, provenance: Provenance
    ) -> None:
        """Keep the body of an upstream that became no event; the same one again makes no letter."""
        mark = f"{source} {blake2b(body, digest_size=16).hexdigest()}"
        fields: dict[str, str | bytes] = {
            "source": source,
            "provider": provenance.provider,
            "at": iso(provenance.fetched_at),
            "reason": reason[:MAX_REASON_LENGTH],
            "body": body,
        }
        written = await self._write({mark: fields})
        metrics.DEAD_LETTERS.labels(f"upstream:{source}").inc(written)

    async def _write(self, letters: Mapping[str, Mapping[str, str | bytes]]) -> int:
        """Write each letter whose mark is not known; return how many that were.

        Raises:
            DependencyUnavailableError: A failover might lose them; write them again.
        """
        if not letters:
            return 0
        written, everything = 0, list(letters.items())
        for start in range(0, len(everything), _LETTERS_PER_CALL):
            written += await self._write_page(everything[start : start + _LETTERS_PER_CALL])
        if self._copies:
            # Only the letter keeps what is acknowledged next.
            await self._copies.confirm(EVENTS_DEAD)
        return written

    async def _write_page(self, page: Sequence[tuple[str, Mapping[str, str | bytes]]]) -> int:
        arguments: list[Any] = [
            EVENTS_DEAD.max_entries,
            int(EVENTS_DEAD.retention.total_seconds()),
        ]
        for mark, fields in page:
            arguments += [mark, 2 * len(fields)]
            for name, value in fields.items():
                arguments += [name, value]
        return int(await self._write_letters(keys=[EVENTS_DEAD.key, KNOWN_KEY], args=arguments))
