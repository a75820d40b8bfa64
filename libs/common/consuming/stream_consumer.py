"""One consumer of one group: reads batches, and recovers what was left behind.

FastStream reads the stream and hands over whole batches. This module adds what FastStream does not
do on Redis: entries that a dead consumer left pending are reclaimed, entries that cannot be handled
become dead letters, and a batch is acknowledged in one command after its handler has returned. The
handler must be idempotent, because delivery is at least once.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from faststream import AckPolicy
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.message import FAKE_CONSUMER, RedisBatchStreamMessage
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common import metrics
from libs.common.broker import READ_BLOCK_MS, body_of, text
from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.consuming.batch_processing import BatchProcessor, Handler
from libs.common.consuming.dead_letter_limit import DeadLetterLimit, LetterLimit
from libs.common.consuming.pending import Entry, PendingList, Redelivery
from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger
from libs.common.tasks import sleep_or_stop

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """How a consumer reads.

    Attributes:
        batch_size: Entries per read at most; together with the largest body, this bounds memory.
        reclaim_idle_s: A pending entry is reclaimed when its consumer has not renewed its claim
            for this long; a living consumer renews its claims, however slow its batch is.
        reclaim_every_s: Pause between two searches for such entries.
        max_deliveries: From this delivery on, an entry is handled alone.
        readers: Batches handled at once; with more than one, their order is not kept.
        letter_limit: How many dead letters are too many.
    """

    batch_size: int = 2_000
    reclaim_idle_s: float = 60.0
    reclaim_every_s: float = 10.0
    max_deliveries: int = 5
    readers: int = 1
    letter_limit: LetterLimit = field(default_factory=LetterLimit)


class StreamConsumer:
    """A named consumer of a group, on one stream key.

    Args:
        redis: A client for everything but the subscription, which uses FastStream's own.
        stream: The key.
        group: The consumer group, which must exist.
        consumer: The consumer's name: different for each replica, the same after a restart.
        handler: What is done with a batch.
        options: How it reads.
        clock: In place of the machine's.
        turn: One for all consumers of a process: held by whoever has an entry alone in work.
        stop: Set when the process is to end: a consumer that stands still then lets go.
    """

    def __init__(  # noqa: PLR0913 - it is wired in one place, by keyword
        self,
        *,
        redis: Redis,
        stream: str,
        group: str,
        consumer: str,
        handler: Handler,
        options: ConsumerOptions,
        clock: Clock = SYSTEM_CLOCK,
        turn: asyncio.Lock | None = None,
        stop: asyncio.Event | None = None,
    ) -> None:
        self.stream = stream
        self.group = group
        self._consumer = consumer
        self._options = options
        self._stop = stop or asyncio.Event()
        self._limit = DeadLetterLimit(options.letter_limit, clock)
        self._pending = PendingList(redis, stream=stream, group=group, consumer=consumer)
        self._processor = BatchProcessor(
            redis,
            pending=self._pending,
            handler=handler,
            claim_life_s=options.reclaim_idle_s,
            limit=self._limit,
            clock=clock,
            turn=turn or asyncio.Lock(),
            stop=self._stop,
        )
        self._given_before = "0-0"
        self._subscribers: list[Any] = []
        self._waiting = 0

    @property
    def running(self) -> bool:
        """Whether the subscription reads; false after FastStream gave it up (deleted group)."""
        return bool(self._subscribers) and all(each.running for each in self._subscribers)

    @property
    def busy(self) -> bool:
        """Whether a batch is being handled, or waits for the end of a standstill."""
        return self._processor.in_work + self._waiting > 0

    @property
    def failures(self) -> int:
        """Batches in a row whose handler failed."""
        return self._processor.failures

    @property
    def halted(self) -> bool:
        """Whether it stands still because too many entries would become dead letters."""
        return self._limit.exceeded

    def subscribe(self, broker: RedisBroker) -> None:
        """Register with FastStream; reading begins when the broker starts."""
        for _ in range(self._options.readers):
            subscriber = broker.subscriber(
                stream=StreamSub(
                    self.stream,
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
            subscriber(self._take_new)
            self._subscribers.append(subscriber)

    async def prepare(self) -> None:
        """Note the last entry given out so far; call it before the broker starts."""
        self._given_before = await self._pending.last_delivered()

    async def recover(self) -> None:
        """Handle the entries that this consumer was given before it died.

        A consumer keeps its name over restarts, so a restarted replica continues with its own
        pending entries and need not wait until they can be reclaimed.
        """
        async for page in self._pending.own(self._options.batch_size, self._given_before):
            if not await self._take_again(page):
                return

    async def recover_forever(self) -> None:
        """Handle this consumer's earlier entries, then reclaim, for ever, what others left pending.

        It runs beside the reading, so that entries which cannot be handled now do not keep new
        entries waiting.
        """
        take_over = self.recover
        while True:
            try:
                await take_over()
                # Only after `recover`: a reclaim would also return entries that still wait for
                # their turn in a page of `recover`.
                take_over = self._reclaim
            except RedisError as error:
                _log.warning("reclaim_failed", stream=self.stream, error=str(error))
            await asyncio.sleep(self._options.reclaim_every_s)

    async def _reclaim(self) -> None:
        if self._limit.pause_s:
            return
        idle_s, count = self._options.reclaim_idle_s, self._options.batch_size
        async for page in self._pending.left_behind(idle_s, count):
            metrics.ENTRIES_RECLAIMED.labels(self.stream, self.group).inc(len(page))
            if not await self._take_again(page):
                return

    async def _take_again(self, page: Sequence[Redelivery]) -> bool:
        """Take entries that were delivered before; return whether to go on with the next page.

        The number of deliveries does not prove that an entry is bad: its consumer may have been
        killed, or a neighbour in its batch was bad. The number only decides from when on an entry
        is handled alone; whether it is bad shows then.
        """
        limit = self._options.max_deliveries
        alone = [each for each in page if each.deliveries >= limit]
        waiting = [each.entry for each in alone]
        async with self._pending.kept(waiting, self._options.reclaim_idle_s):
            await self._processor.take([each.entry for each in page if each.deliveries < limit])
            for each in alone:
                del waiting[0]
                # A server that is away is away for all of them; each would only wait for it.
                if self._limit.pause_s or not await self._processor.take_alone(each):
                    return False
        return not self._limit.pause_s

    async def _take_new(self, entries: Any) -> None:  # noqa: ANN401 - FastStream must not cast it
        """Take a batch that was just read; while the consumer stands still, hold it and wait.

        FastStream reads on when this returns. So waiting here stops the reading, and each reader
        holds at most one unfinished batch.
        """
        self._waiting += 1
        try:
            while pause_s := self._limit.pause_s:
                if self._stop.is_set():
                    return
                await sleep_or_stop(pause_s, self._stop)
        finally:
            self._waiting -= 1
        await self._processor.take(entries)

    async def _keep_raw(self, message: Any) -> RedisBatchStreamMessage:  # noqa: ANN401 - FastStream's
        """Pass the batch on as it is; FastStream's parser would decode each body three times."""
        return RedisBatchStreamMessage(
            raw_message=message, body=b"", consumer=FAKE_CONSUMER, group=None
        )


async def check_consumers(consumers: Sequence[StreamConsumer]) -> None:
    """Check that no consumer stands still.

    Raises:
        DependencyUnavailableError: One does; the message says which, and what to do.
    """
    if halted := [consumer.stream for consumer in consumers if consumer.halted]:
        raise DependencyUnavailableError(
            f"most of {', '.join(halted)} cannot be taken, and waits: see the log for the reason,"
            " mend what rejects it, or, if it is really bad, raise CASSIOPEIA_DEAD_LETTER_LIMIT"
        )


async def _to_entries(message: RedisBatchStreamMessage) -> list[Entry]:
    raw = message.raw_message
    return [
        Entry(raw["channel"], text(entry_id), body_of(fields))
        for entry_id, fields in zip(raw["message_ids"], raw["data"], strict=True)
    ]
