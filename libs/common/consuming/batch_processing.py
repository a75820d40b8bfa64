"""What a consumer does with a batch: handle it, divert bad entries, acknowledge the rest."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from redis.asyncio import Redis

from libs.common import metrics
from libs.common.breaker import BackOff, Breaker
from libs.common.clock import Clock, iso
from libs.common.consuming.dead_letter_limit import DeadLetterLimit
from libs.common.consuming.pending import Entry, PendingList, Redelivery
from libs.common.dead_letters import DeadLetters, Rejection
from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger
from libs.common.slices import in_slices
from libs.common.tasks import end_tasks, sleep_or_stop

_log = get_logger(__name__)

# A process that dies while it handles this entry alone may have died of something else. Handling
# one entry takes milliseconds, so such a coincidence happens once, not three times to the same one.
DEATHS_ALONE = 3
# About 30 times what one entry takes. A handler that waits longer is waiting for a server, so if
# the process dies then, the entry is not to blame. The event loop measures this time, so a handler
# that blocks the loop never counts as waiting.
_WAITS_AFTER_S = 0.1

# Without a pause, a fault that affects every batch would move the whole stream into the pending
# list.
_FAILURE_PAUSE = BackOff(threshold=1, base_s=0.2, cap_s=5.0)

# Returns the entries that it rejects; if it raises, the whole batch stays pending.
Handler = Callable[[Sequence[Entry]], Awaitable[Sequence[Rejection]]]


class BatchProcessor:
    """Takes the batches of one consumer.

    Args:
        redis: A client of the broker.
        pending: The consumer's pending list.
        handler: What is done with a batch.
        claim_life_s: Other consumers reclaim an entry when its claim is older than this.
        limit: How many dead letters are too many.
        clock: Where the time comes from.
        turn: A lock shared by the whole process, held while an entry is handled alone.
        stop: Set when the process is to end.
    """

    def __init__(  # noqa: PLR0913 - it is wired in one place, by keyword
        self,
        redis: Redis,
        *,
        pending: PendingList,
        handler: Handler,
        claim_life_s: float,
        limit: DeadLetterLimit,
        clock: Clock,
        turn: asyncio.Lock,
        stop: asyncio.Event,
    ) -> None:
        self._pending = pending
        self._handler = handler
        self._claim_life_s = claim_life_s
        self._limit = limit
        self._clock = clock
        self._turn = turn
        self._stop = stop
        self._dead_letters = DeadLetters(redis)
        self._failing = Breaker(_FAILURE_PAUSE, clock)
        self._labels = (pending.stream, pending.group)
        self.in_work = 0

    @property
    def failures(self) -> int:
        """Batches in a row whose handler failed."""
        return self._failing.failures

    async def take(self, entries: Sequence[Entry], handler: Handler | None = None) -> bool:
        """Handle one batch, divert what was rejected, acknowledge the rest in one command.

        What fails stays pending, and comes back when it is reclaimed.

        Returns:
            Whether the batch is finished.
        """
        if not entries:
            return True
        left = list(entries)
        self.in_work += 1
        try:
            async with self._pending.kept(left, self._claim_life_s):
                for some in in_slices(entries, _size):
                    await self._take_slice(some, handler or self._handler)
                    del left[: len(some)]
        except Exception:  # noqa: BLE001 - whatever it was, the batch must stay pending
            metrics.ENTRIES_CONSUMED.labels(*self._labels, "failed").inc(len(left))
            _log.exception("batch_failed", stream=self._pending.stream, entries=len(left))
            self._failing.failed()
            await sleep_or_stop(self._failing.opens_in_s, self._stop)
            return False
        else:
            self._failing.succeeded()
            return True
        finally:
            self.in_work -= 1

    async def _take_slice(self, entries: Sequence[Entry], handler: Handler) -> None:
        began = time.perf_counter()
        rejections = await handler(entries)
        diverted = await self._settle(entries, rejections)
        self._measure(len(entries), len(rejections), diverted, time.perf_counter() - began)

    async def take_alone(self, redelivery: Redelivery) -> bool:
        """Handle an entry alone: when that fails, or kills the process, it is the entry's fault.

        Returns:
            Whether the entry is finished; if not, a server is away, or refuses every entry.
        """
        entry = redelivery.entry

        async def alone(_: Sequence[Entry]) -> Sequence[Rejection]:
            async with self._turn:
                deaths = await self._pending.begin_alone(entry.id) - 1
                if deaths >= DEATHS_ALONE:
                    return [Rejection(entry, f"killed its consumer {deaths} times, being alone")]
                handling = asyncio.create_task(self._handle_alone(redelivery), name="alone")
                try:
                    try:
                        await asyncio.wait([handling], timeout=_WAITS_AFTER_S)
                    finally:
                        await self._pending.end_alone(entry.id)
                except BaseException:
                    await end_tasks(handling)
                    raise
            return await handling

        return await self.take([entry], alone)

    async def _handle_alone(self, redelivery: Redelivery) -> Sequence[Rejection]:
        entry = redelivery.entry
        try:
            return await self._handler([entry])
        except DependencyUnavailableError:
            raise  # not the entry's fault
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes the letter's reason
            _log.exception("entry_failed", stream=entry.stream, entry=entry.id)
            times = redelivery.deliveries
            return [Rejection(entry, f"failed {times} times, at last alone: {error!r}")]

    async def _settle(self, entries: Sequence[Entry], rejections: Sequence[Rejection]) -> int:
        """Divert as many rejections as the limit allows, and acknowledge what was handled.

        Returns:
            How many were diverted; the other rejections stay pending.
        """
        stream = self._pending.stream
        stood_still = self._limit.exceeded
        admitted = self._limit.admit(len(entries), len(rejections))
        diverted, withheld = rejections[:admitted], rejections[admitted:]
        at = iso(self._clock.now())
        await self._dead_letters.divert(diverted, pending=self._pending, at=at)
        for rejection in diverted:
            _log.warning(
                "dead_letter", stream=stream, entry=rejection.entry.id, reason=rejection.reason
            )
        rejected = {rejection.entry.id for rejection in rejections}
        await self._pending.acknowledge([e.id for e in entries if e.id not in rejected])
        if withheld:
            _log.error(
                "consumer_stands_still",
                stream=stream,
                withheld=len(withheld),
                reason=withheld[0].reason,
                next_look_s=round(self._limit.pause_s),
            )
        elif stood_still and not self._limit.exceeded:
            _log.info("consumer_goes_on", stream=stream)
        metrics.STREAM_HALTED.labels(*self._labels).set(self._limit.exceeded)
        return len(diverted)

    def _measure(self, entries: int, rejected: int, diverted: int, seconds: float) -> None:
        metrics.BATCH_SIZE.labels(*self._labels).observe(entries)
        metrics.BATCH_SECONDS.labels(*self._labels).observe(seconds)
        for result, count in (
            ("taken", entries - rejected),
            ("rejected", diverted),
            ("withheld", rejected - diverted),
        ):
            metrics.ENTRIES_CONSUMED.labels(*self._labels, result).inc(count)
        _log.debug(
            "batch",
            stream=self._pending.stream,
            entries=entries,
            rejected=rejected,
            duration_s=round(seconds, 4),
        )


def _size(entry: Entry) -> int:
    return len(entry.body)
