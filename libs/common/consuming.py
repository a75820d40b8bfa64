"""One consumer of one group: reads batches, recovers what was left behind, acknowledges once.

FastStream reads the stream and hands over whole batches; what it does not do on Redis is here:
entries that a dead consumer left pending are taken over, entries that cannot be handled go to the
dead letters, and a batch is acknowledged in one command after its handler has returned. The
handler must be idempotent: delivery is at least once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faststream import AckPolicy
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.message import FAKE_CONSUMER, RedisBatchStreamMessage
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common import metrics
from libs.common.broker import READ_BLOCK_MS, body_of, text
from libs.common.clock import Clock, SystemClock, iso
from libs.common.deadletters import DeadLetters, Entry, Rejection
from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger
from libs.common.topology import Stream

_log = get_logger(__name__)

WATCH_EVERY_S = 5.0
# FastStream pauses 5 s after an error: this is several tries without success.
STANDSTILL_S = 60.0

# Returns the entries that it could not take; raising leaves the whole batch pending.
Handler = Callable[[Sequence[Entry]], Awaitable[Sequence[Rejection]]]


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """How a consumer reads.

    Attributes:
        batch_size: Entries per read at most; bounds memory.
        reclaim_idle_s: A pending entry older than this is taken over. It must be longer than the
            slowest batch, or two consumers work on the same entries (harmless, but wasteful).
        reclaim_every_s: Pause between two looks for such entries.
        max_deliveries: An entry that was delivered this often without success is a dead letter.
        readers: Batches in work at once; with more than one their order is not kept.
    """

    batch_size: int = 2_000
    reclaim_idle_s: float = 60.0
    reclaim_every_s: float = 10.0
    max_deliveries: int = 5
    readers: int = 1


class StreamConsumer:
    """A named consumer of a group."""

    def __init__(  # noqa: PLR0913 - it is wired in one place, by keyword
        self,
        *,
        redis: Redis,
        stream: Stream,
        group: str,
        consumer: str,
        handler: Handler,
        options: ConsumerOptions,
        clock: Clock | None = None,
    ) -> None:
        self.stream = stream
        self.group = group
        self._redis = redis
        self._consumer = consumer
        self._handler = handler
        self._options = options
        self._clock = clock or SystemClock()
        self._dead_letters = DeadLetters(redis)
        self._subscribers: list[Any] = []
        self._busy = 0
        self.failures = 0
        self._labels = (stream.key, group)

    @property
    def running(self) -> bool:
        """Whether the subscription reads; false after FastStream gave it up (deleted group)."""
        return bool(self._subscribers) and all(each.running for each in self._subscribers)

    @property
    def busy(self) -> bool:
        """Whether a batch is being handled at this moment."""
        return self._busy > 0

    def subscribe(self, broker: RedisBroker) -> None:
        """Register with FastStream; reading begins when the broker starts."""
        for _ in range(self._options.readers):
            subscriber = broker.subscriber(
                stream=StreamSub(
                    self.stream.key,
                    group=self.group,
                    consumer=self._consumer,
                    batch=True,
                    max_records=self._options.batch_size,
                    polling_interval=READ_BLOCK_MS,
                ),
                parser=self._keep_raw,
                decoder=_to_entries,
                ack_policy=AckPolicy.MANUAL,
            )
            subscriber(self._take)
            self._subscribers.append(subscriber)

    async def recover(self) -> None:
        """Handle what this consumer was given before it died; call it before the broker starts.

        Names are stable over restarts, so a restarted replica need not wait to be reclaimed.
        """
        last = "0"
        while True:
            answer: Any = await self._redis.xreadgroup(
                self.group,
                self._consumer,
                {self.stream.key: last},
                count=self._options.batch_size,
            )
            found = _pairs_of(answer)
            if not found:
                return
            await self._reclaimed(found)
            last = text(found[-1][0])

    async def reclaim_forever(self) -> None:
        """Take over, again and again, what other consumers left pending too long."""
        while True:
            await asyncio.sleep(self._options.reclaim_every_s)
            try:
                await self._reclaim_once()
            except RedisError as error:
                _log.warning("reclaim_failed", stream=self.stream.key, error=str(error))

    async def watch_forever(self) -> None:
        """Keep the group's metrics true, and end when the subscription has ended or stands still.

        Raises:
            DependencyUnavailableError: Only a restart of the process makes it read again.
        """
        seen: tuple[int, str] = (0, "")
        still_since = time.monotonic()
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            if not self.running:
                raise DependencyUnavailableError(
                    f"the subscription of {self.group} to {self.stream.key} has ended"
                )
            try:
                lag, pending, last_delivered = await self._group_state()
            except RedisError as error:
                # FastStream reads on by itself when the broker is back.
                _log.debug("watch_failed", stream=self.stream.key, error=str(error))
                still_since = time.monotonic()
                continue
            metrics.STREAM_LAG.labels(*self._labels).set(lag)
            metrics.STREAM_PENDING.labels(*self._labels).set(pending)
            if not lag or self.busy or seen != (lag, last_delivered):
                seen, still_since = (lag, last_delivered), time.monotonic()
            elif time.monotonic() - still_since > STANDSTILL_S:
                raise DependencyUnavailableError(
                    f"{self.group} has not read {self.stream.key} for {STANDSTILL_S:g} s"
                )

    async def _group_state(self) -> tuple[int, int, str]:
        for group in await self._redis.xinfo_groups(self.stream.key):
            if text(group["name"]) == self.group:
                # The broker does not know the lag after entries were deleted by hand.
                return (
                    int(group["lag"] or 0),
                    int(group["pending"]),
                    text(group["last-delivered-id"]),
                )
        raise DependencyUnavailableError(f"{self.stream.key} has no group {self.group} any more")

    async def _reclaim_once(self) -> None:
        cursor: str = "0-0"
        while True:
            answer: Any = await self._redis.xautoclaim(
                self.stream.key,
                self.group,
                self._consumer,
                min_idle_time=int(self._options.reclaim_idle_s * 1_000),
                start_id=cursor,
                count=self._options.batch_size,
            )
            cursor, found = text(answer[0]), answer[1]
            if found:
                metrics.ENTRIES_RECLAIMED.labels(*self._labels).inc(len(found))
                await self._reclaimed(found)
            if cursor == "0-0":
                return

    async def _reclaimed(self, found: Sequence[tuple[bytes, Mapping[bytes, bytes] | None]]) -> None:
        """Handle entries that were delivered before; those that fail time and again are dead."""
        # A trimmed entry has an id in the pending list and no fields any more.
        gone = [text(entry_id) for entry_id, fields in found if not fields]
        if gone:
            await self._redis.xack(self.stream.key, self.group, *gone)
            _log.error("pending_entries_were_trimmed", stream=self.stream.key, entries=len(gone))
        entries = [
            _entry(self.stream.key, entry_id, fields) for entry_id, fields in found if fields
        ]
        if not entries:
            return
        deliveries = await self._deliveries(entries[0].id, entries[-1].id)
        fresh, last_try, exhausted = [], [], []
        for entry in entries:
            count = deliveries.get(entry.id, 0)
            if count > self._options.max_deliveries:
                exhausted.append(Rejection(entry, f"failed {count - 1} times"))
            elif count == self._options.max_deliveries:
                last_try.append(entry)
            else:
                fresh.append(entry)
        await self._divert(exhausted)
        await self._take(fresh)
        await self._take_apart(last_try)

    async def _deliveries(self, first: str, last: str) -> dict[str, int]:
        """Return how often each entry of this consumer between two was delivered."""
        found: dict[str, int] = {}
        while True:
            page = await self._redis.xpending_range(
                self.stream.key,
                self.group,
                min=first,
                max=last,
                count=self._options.batch_size,
                consumername=self._consumer,
            )
            found |= {text(item["message_id"]): int(item["times_delivered"]) for item in page}
            if len(page) < self._options.batch_size:
                return found
            first = f"({text(page[-1]['message_id'])}"

    async def _take_apart(self, entries: Sequence[Entry]) -> None:
        """Handle entries for the last time, so that a bad one does not take its batch along.

        What fails is halved until the bad entry is alone; that one stays pending.
        """
        if await self._take(entries) or len(entries) == 1:
            return
        middle = len(entries) // 2
        await self._take_apart(entries[:middle])
        await self._take_apart(entries[middle:])

    async def _take(self, entries: Any) -> bool:  # noqa: ANN401 - FastStream must not cast it
        """Handle one batch, divert what was rejected, acknowledge the rest in one command.

        Returns:
            Whether that succeeded; what failed stays pending.
        """
        if not entries:
            return True
        began = time.perf_counter()
        self._busy += 1
        try:
            rejections = await self._handler(entries)
            await self._divert(rejections)
            await self._redis.xack(self.stream.key, self.group, *(entry.id for entry in entries))
        except Exception:  # noqa: BLE001 - whatever it was, the batch must stay pending
            # The batch stays pending and comes back by reclaim, at most `max_deliveries` times.
            self.failures += 1
            metrics.ENTRIES_CONSUMED.labels(*self._labels, "failed").inc(len(entries))
            _log.exception("batch_failed", stream=self.stream.key, entries=len(entries))
            # Without a pause, a fault that concerns every batch would drain the whole stream
            # into the pending list.
            await asyncio.sleep(min(0.1 * 2**self.failures, 5.0))
            return False
        finally:
            self._busy -= 1
        self.failures = 0
        seconds = time.perf_counter() - began
        metrics.BATCH_SIZE.labels(*self._labels).observe(len(entries))
        metrics.BATCH_SECONDS.labels(*self._labels).observe(seconds)
        metrics.ENTRIES_CONSUMED.labels(*self._labels, "taken").inc(len(entries) - len(rejections))
        metrics.ENTRIES_CONSUMED.labels(*self._labels, "rejected").inc(len(rejections))
        _log.debug(
            "batch",
            stream=self.stream.key,
            entries=len(entries),
            rejected=len(rejections),
            duration_s=round(seconds, 4),
        )
        return True

    async def _divert(self, rejections: Sequence[Rejection]) -> None:
        await self._dead_letters.divert(
            rejections, group=self.group, consumer=self._consumer, at=iso(self._clock.now())
        )
        for rejection in rejections:
            _log.warning(
                "dead_letter",
                stream=rejection.entry.stream,
                entry=rejection.entry.id,
                reason=rejection.reason,
            )

    async def _keep_raw(self, message: Any) -> RedisBatchStreamMessage:  # noqa: ANN401 - FastStream's
        """Pass the batch on as it is; FastStream's parser would decode each body three times."""
        return RedisBatchStreamMessage(
            raw_message=message, body=b"", consumer=FAKE_CONSUMER, group=None
        )


async def _to_entries(message: RedisBatchStreamMessage) -> list[Entry]:
    raw = message.raw_message
    return [
        _entry(raw["channel"], entry_id, fields)
        for entry_id, fields in zip(raw["message_ids"], raw["data"], strict=True)
    ]


def _entry(stream: str, entry_id: bytes | str, fields: Mapping[bytes, bytes]) -> Entry:
    return Entry(stream, text(entry_id), body_of(fields))


def _pairs_of(answer: Any) -> list[tuple[bytes, Mapping[bytes, bytes] | None]]:  # noqa: ANN401
    """Return the entries of an answer about one stream."""
    return list(answer[0][1]) if answer else []
