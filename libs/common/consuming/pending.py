"""The pending list of one consumer: entries that it was given and has not acknowledged.

Everything here concerns one key, so it works on a single server and in a cluster alike.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.broker import body_of, require_group, text
from libs.common.logging import get_logger
from libs.common.tasks import end_tasks

_log = get_logger(__name__)

# If the first renewal is missed, two more are due before the claim expires.
_RENEWALS_PER_LIFE = 4
# Another consumer reclaims an entry within minutes, so the note may go after a day.
_ALONE_LIFE_S = 86_400

# Renews only what is still ours: a process that was stopped for long must not take back entries
# that other consumers handle by now. JUSTID, because a renewal must not count as a delivery.
_RENEW = """
local kept = 0
for i = 3, #ARGV do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2]) > 0 then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
    kept = kept + 1
  end
end
return kept
"""


class Entry(NamedTuple):
    """One entry of a stream: its stream, its id and the bytes of its body."""

    stream: str
    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Redelivery:
    """An entry that was delivered before.

    Attributes:
        entry: The entry.
        deliveries: How often it was delivered, this time included.
    """

    entry: Entry
    deliveries: int


class PendingList:
    """The pending entries of a consumer of a group."""

    def __init__(self, redis: Redis, *, stream: str, group: str, consumer: str) -> None:
        self.stream = stream
        self.group = group
        self.consumer = consumer
        self._redis = redis
        self._renew = redis.register_script(_RENEW)
        self._alone = f"{stream}:{group}:alone"

    async def last_delivered(self) -> str:
        """Return the id of the newest entry that the group was given so far.

        Raises:
            DependencyUnavailableError: There is no such group.
        """
        found = await require_group(self._redis, self.stream, self.group)
        return text(found["last-delivered-id"])

    async def own(self, count: int, until: str) -> AsyncIterator[list[Redelivery]]:
        """Yield, page by page, what this consumer was given before it died: entries up to `until`.

        Entries that it is given meanwhile have later ids and are left alone. XREADGROUP would
        return those as well, and count a delivery of each.
        """
        first = "-"
        while delivered := await self._delivered(first, until, count):
            ids = list(delivered)
            claimed: Any = await self._redis.xclaim(
                self.stream, self.group, self.consumer, 0, list(ids)
            )
            fields = {text(entry_id): each for entry_id, each in claimed if entry_id}
            # The claim is a delivery as well.
            counted = {entry_id: times + 1 for entry_id, times in delivered.items()}
            yield await self._redeliveries([(each, fields.get(each)) for each in ids], counted)
            first = f"({ids[-1]}"

    async def left_behind(self, idle_s: float, count: int) -> AsyncIterator[list[Redelivery]]:
        """Reclaim, page by page, what nobody has acknowledged or renewed for `idle_s`."""
        cursor = "0-0"
        while True:
            answer: Any = await self._redis.xautoclaim(
                self.stream,
                self.group,
                self.consumer,
                min_idle_time=int(idle_s * 1_000),
                start_id=cursor,
                count=count,
            )
            cursor, found, gone = text(answer[0]), answer[1], answer[2]
            if gone:
                # XAUTOCLAIM has removed them from the pending list already.
                self._tell_of_trimmed(len(gone))
            if found:
                ids = [text(entry_id) for entry_id, _ in found]
                counted = await self._delivered_between(ids[0], ids[-1], len(ids))
                taken = [(text(entry_id), fields) for entry_id, fields in found]
                yield await self._redeliveries(taken, counted)
            if cursor == "0-0":
                return

    async def acknowledge(self, entry_ids: Collection[str]) -> None:
        """Acknowledge entries, in one command."""
        if entry_ids:
            await self._redis.xack(self.stream, self.group, *entry_ids)

    async def hold(self, entry_ids: Sequence[str]) -> set[str]:
        """Claim entries, whichever consumer has them; return those that are still pending."""
        held: Any = await self._redis.xclaim(
            self.stream, self.group, self.consumer, 0, list(entry_ids), justid=True
        )
        return {text(entry_id) for entry_id in held}

    @asynccontextmanager
    async def kept(self, entries: Sequence[Entry], life_s: float) -> AsyncIterator[None]:
        """Keep entries from being reclaimed by others while the body runs, however long that is.

        Args:
            entries: Entries of this consumer; those that the body removes are no longer renewed.
            life_s: How long an entry must be idle before others reclaim it.
        """
        renewing = asyncio.create_task(self._renew_forever(entries, life_s), name="claim renewal")
        try:
            yield
        finally:
            await end_tasks(renewing)

    async def begin_alone(self, entry_id: str) -> int:
        """Note that this entry is now handled alone; return how often it has been noted.

        The note outlives this process, so that the next one learns which entry killed it.
        """
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hincrby(self._alone, entry_id, 1)
        pipeline.expire(self._alone, _ALONE_LIFE_S)
        times, _ = await pipeline.execute()
        return int(times)

    async def end_alone(self, entry_id: str) -> None:
        """Note that the process has survived this entry."""
        await self._redis.hdel(self._alone, entry_id)

    async def _renew_forever(self, entries: Sequence[Entry], life_s: float) -> None:
        while True:
            await asyncio.sleep(life_s / _RENEWALS_PER_LIFE)
            ids = [entry.id for entry in entries]
            if not ids:
                continue
            try:
                kept = int(
                    await self._renew(keys=[self.stream], args=[self.group, self.consumer, *ids])
                )
            except RedisError as error:
                _log.debug("claims_not_renewed", stream=self.stream, reason=str(error))
                continue
            if kept < len(ids):
                # This process stood still for longer than a claim lives. Two consumers may handle
                # the entries now; the table's key makes that harmless.
                _log.warning("claims_lost", stream=self.stream, entries=len(ids) - kept)

    async def _redeliveries(
        self,
        found: Sequence[tuple[str, Mapping[bytes, bytes] | None]],
        delivered: Mapping[str, int],
    ) -> list[Redelivery]:
        # A trimmed entry still has its id in the pending list, but no fields any more.
        gone = [entry_id for entry_id, fields in found if not fields]
        if gone:
            await self.acknowledge(gone)
            self._tell_of_trimmed(len(gone))
        # An entry without a count was acknowledged meanwhile; handling it again is harmless.
        return [
            Redelivery(Entry(self.stream, entry_id, body_of(fields)), delivered.get(entry_id, 1))
            for entry_id, fields in found
            if fields
        ]

    def _tell_of_trimmed(self, count: int) -> None:
        _log.error("pending_entries_were_trimmed", stream=self.stream, entries=count)

    async def _delivered_between(self, first: str, last: str, page: int) -> dict[str, int]:
        """Return how often each entry of this consumer between two ids was delivered."""
        found: dict[str, int] = {}
        while listed := await self._delivered(first, last, page):
            found |= listed
            first = f"({next(reversed(listed))}"
        return found

    async def _delivered(self, first: str, last: str, count: int) -> dict[str, int]:
        """Return the same for only the first `count` of these entries."""
        listed = await self._redis.xpending_range(
            self.stream,
            self.group,
            min=first,
            max=last,
            count=count,
            consumername=self.consumer,
        )
        return {text(each["message_id"]): int(each["times_delivered"]) for each in listed}
