"""The watch over a consumer: keeps its group's metrics up to date, and notices a standstill."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from libs.common import metrics
from libs.common.broker import EntryId, require_group, text
from libs.common.clock import Clock
from libs.common.consuming.stream_consumer import StreamConsumer
from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger

_log = get_logger(__name__)

WATCH_EVERY_S = 5.0
# FastStream pauses 5 s after a lost connection or a timeout, so this is several tries in vain.
STANDSTILL_S = 60.0
# During a failover the broker refuses for seconds; that must not end the process.
REFUSALS = 3


@dataclass(frozen=True, slots=True)
class GroupState:
    """How far a consumer group has come.

    Attributes:
        lag: Entries that it was not given yet; where the broker does not know the number, 1
            stands for any number above 0.
        pending: Entries that it was given and has not acknowledged.
        last_delivered: The id of the newest entry that it was given.
        oldest: The id of the oldest entry that it has not acknowledged; None when there is none.
    """

    lag: int
    pending: int
    last_delivered: str
    oldest: str | None

    def oldest_age_s(self, now: datetime) -> float:
        """Return the age of the oldest entry that is not acknowledged; 0 when there is none."""
        if self.oldest is None:
            return 0.0
        return max(0.0, now.timestamp() - EntryId.parse(self.oldest).accepted_ms / 1_000)


async def group_state(redis: Redis, stream: str, group: str) -> GroupState:
    """Ask the broker how far a group has come.

    Raises:
        DependencyUnavailableError: There is no such group.
    """
    found = await require_group(redis, stream, group)
    last_delivered, pending = text(found["last-delivered-id"]), int(found["pending"])
    lag: int | None = found["lag"]
    oldest = None
    if pending:
        summary: Any = await redis.xpending(stream, group)
        oldest = text(summary["min"]) if summary["min"] else None
    if oldest is None or lag is None:
        unread: Any = await redis.xrange(stream, min=f"({last_delivered}", count=1)
        oldest = oldest or (text(unread[0][0]) if unread else None)
        # The broker no longer knows the lag once a restore has moved the group, or entries were
        # deleted by hand.
        lag = len(unread) if lag is None else lag
    return GroupState(lag, pending, last_delivered, oldest)


async def watch_forever(redis: Redis, consumer: StreamConsumer, clock: Clock) -> None:
    """Keep the group's metrics up to date until the subscription has ended or stands still.

    Raises:
        DependencyUnavailableError: Only a restart of the process makes it read again.
    """
    labels = (consumer.stream, consumer.group)
    seen: tuple[int, str] = (0, "")
    still_since, refusals = time.monotonic(), 0
    while True:
        await asyncio.sleep(WATCH_EVERY_S)
        if not consumer.running:
            raise DependencyUnavailableError(
                f"the subscription of {consumer.group} to {consumer.stream} has ended"
            )
        try:
            state = await group_state(redis, *labels)
        except ResponseError as error:
            # The broker is up and refuses: the key is no longer a stream, or a permission is gone.
            # After such an error FastStream tries again without a pause, a thousand times a second.
            refusals += 1
            if refusals < REFUSALS:
                continue
            raise DependencyUnavailableError(
                f"{consumer.stream} cannot be read: {error}; put the key or the right back"
            ) from error
        except RedisError as error:
            # FastStream reads on by itself when the broker is back.
            _log.debug("watch_failed", stream=consumer.stream, error=str(error))
            still_since = time.monotonic()
            continue
        refusals = 0
        metrics.STREAM_LAG.labels(*labels).set(state.lag)
        metrics.STREAM_PENDING.labels(*labels).set(state.pending)
        metrics.STREAM_OLDEST.labels(*labels).set(state.oldest_age_s(clock.now()))
        progress = (state.lag, state.last_delivered)
        if not state.lag or consumer.busy or seen != progress:
            seen, still_since = progress, time.monotonic()
        elif time.monotonic() - still_since > STANDSTILL_S:
            raise DependencyUnavailableError(
                f"{consumer.group} has not read {consumer.stream} for {STANDSTILL_S:g} s"
            )
