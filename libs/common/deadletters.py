"""Dead letters: what nobody could take, kept whole in one stream with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from redis.asyncio import Redis

from libs.common import metrics
from libs.common.clock import iso
from libs.common.events import Provenance
from libs.common.topology import EVENTS_DEAD

# A reason is one sentence; a longer one is some library's essay.
MAX_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream: where it stood and the bytes of its body."""

    stream: str
    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Rejection:
    """An entry that cannot be taken, and why."""

    entry: Entry
    reason: str


# Acknowledging and diverting are one step: XACK answers 1 only to the first who acknowledges, so
# an entry that two consumers hold becomes one letter, and a crash leaves it pending or diverted.
_DIVERT = """
local diverted = 0
for i = 5, #ARGV, 3 do
  if redis.call('XACK', KEYS[1], ARGV[1], ARGV[i]) == 1 then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*',
      'stream', KEYS[1], 'entry', ARGV[i], 'group', ARGV[1], 'consumer', ARGV[3],
      'at', ARGV[4], 'reason', ARGV[i + 1], 'body', ARGV[i + 2])
    diverted = diverted + 1
  end
end
return diverted
"""


class DeadLetters:
    """Writes to the dead-letter stream."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._divert = redis.register_script(_DIVERT)

    async def divert(
        self, rejections: Sequence[Rejection], *, group: str, consumer: str, at: str
    ) -> int:
        """Move entries of one stream to the dead letters and acknowledge them, atomically.

        Returns:
            How many were moved; an entry that somebody else acknowledged meanwhile is not.
        """
        if not rejections:
            return 0
        stream = rejections[0].entry.stream
        arguments: list[str | bytes | int] = [group, EVENTS_DEAD.max_entries or 0, consumer, at]
        for rejection in rejections:
            arguments += [
                rejection.entry.id,
                rejection.reason[:MAX_REASON_LENGTH],
                rejection.entry.body,
            ]
        diverted = int(await self._divert(keys=[stream, EVENTS_DEAD.key], args=arguments))
        metrics.DEAD_LETTERS.labels(stream).inc(diverted)
        return diverted

    async def add_body(
        self, body: bytes, reason: str, *, source: str, provenance: Provenance
    ) -> None:
        """Keep the body of an upstream that became no event; the same one again makes no letter."""
        known = f"cassiopeia:source:{{{source}}}:rejected"
        if not await self._redis.sadd(known, blake2b(body, digest_size=16).digest()):
            return
        # As long as the letters themselves; a body that comes back later is news again.
        await self._redis.expire(known, EVENTS_DEAD.retention)
        await self._redis.xadd(
            EVENTS_DEAD.key,
            {
                "source": source,
                "provider": provenance.provider,
                "at": iso(provenance.fetched_at),
                "reason": reason[:MAX_REASON_LENGTH],
                "body": body,
            },
            maxlen=EVENTS_DEAD.max_entries,
        )
        metrics.DEAD_LETTERS.labels(f"upstream:{source}").inc()
