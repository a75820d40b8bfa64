"""Cached answers from history: made once, kept while good, served stale rather than late."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial

from prometheus_client import Counter
from redis.asyncio import Redis

from libs.common import metrics
from libs.common.clock import Clock
from libs.common.database import TRANSIENT_ERRORS
from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger
from libs.common.tasks import SingleFlight
from services.gateway.cache.kept import Kept, Kind, Make
from services.gateway.cache.memory import Memory
from services.gateway.cache.shared import LOCK_MS, SharedStore

_log = get_logger(__name__)

# An event is in the stream before its row is in the table, so a query this soon after it may miss
# the row.
SETTLING = timedelta(seconds=1)
# Persistence may lag behind, after a restart or with a full queue, so for this long after a change
# an answer is good for a few seconds only.
SETTLED = timedelta(minutes=5)
UNSETTLED_FRESH = timedelta(seconds=5)
# However often the data change, an answer is remade at most this often.
REMAKE_AFTER = timedelta(seconds=1)
# After the database failed to respond, stale answers are served at once for this long. It is longer
# than `READ_PATIENCE_S`, so that the next attempt, in the background, fails before it is over.
AWAY_FOR = timedelta(seconds=5)
WAIT_S = 0.05
# These errors mean that the database, or a service that computes answers, is away.
AWAY = (*TRANSIENT_ERRORS, DependencyUnavailableError)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@cache
def _counter(kind: str, how: str) -> Counter:
    # Cached: `labels` takes a lock and builds a tuple, which would happen at every request of the
    # fast lane.
    return metrics.CACHE_ANSWERS.labels(kind, how)


class HistoryCache:
    """Keeps answers of the database."""

    def __init__(self, redis: Redis, clock: Clock, max_bytes: int) -> None:
        self._memory = Memory(max_bytes)
        self._shared = SharedStore(redis)
        self._clock = clock
        self._changed_at: dict[str, datetime] = {}
        self._making = SingleFlight[Kept](_not_made)
        self._away_until = _LONG_AGO

    def changed(self, event_type: str, at: datetime) -> None:
        """Take note of an event that the broker accepted: the answers that it changes are stale."""
        self._changed_at[event_type] = max(at, self._changed_at.get(event_type, _LONG_AGO))

    async def get(self, kind: Kind, key: str, make: Make) -> Kept:
        """Return the best answer that can be had.

        Raises:
            psycopg.Error: One of `TRANSIENT_ERRORS`: the database is away, and nothing is cached.
            DependencyUnavailableError: The same for a service that computes answers.
        """
        kept = self.at_hand(kind, key)
        if kept is not None:
            return kept
        work = partial(self._make, kind, key, make)
        now = self._clock.now()
        kept = self._memory.get(key)
        if kept and (kept.may_be_served(kind, now) or (kept.ready and now < self._away_until)):
            _counter(kind.name, "stale").inc()
            if now > kept.made_at + REMAKE_AFTER:
                self._making.start(key, work)
            return replace(kept, is_stale=True)
        kept = await self._making.do(key, work)
        _counter(kind.name, kept.how).inc()
        return kept

    def at_hand(self, kind: Kind, key: str) -> Kept | None:
        """Return a good answer from memory; None where there is none."""
        kept = self._memory.get(key)
        if kept is None or not self._is_good(kept, kind, self._clock.now()):
            return None
        _counter(kind.name, "hit").inc()
        return kept

    async def close(self) -> None:
        """Cancel the answers that are being made in the background."""
        await self._making.close()

    def _is_good(self, kept: Kept, kind: Kind, now: datetime) -> bool:
        if not kept.is_fresh(kind, now):
            return False
        changed_at = max(
            (self._changed_at.get(name, _LONG_AGO) for name in kind.changed_by), default=_LONG_AGO
        )
        if changed_at is _LONG_AGO or kept.made_at > changed_at + SETTLED:
            return True
        return kept.made_at > changed_at + SETTLING and now < kept.made_at + UNSETTLED_FRESH

    async def _make(self, kind: Kind, key: str, make: Make) -> Kept:
        """Take another replica's answer, or make one; fall back to the old one if that fails."""
        attempts = int(LOCK_MS / 1_000 / WAIT_S)
        found: Kept | None = None
        for _ in range(attempts):
            found = await self._shared.get(key)
            if found and self._is_good(found, kind, self._clock.now()):
                self._memory.put(key, found)
                return found
            async with self._shared.making(key) as is_ours:
                if is_ours:
                    return await self._query(kind, key, make, found)
            await asyncio.sleep(WAIT_S)
        return await self._query(kind, key, make, found)

    async def _query(self, kind: Kind, key: str, make: Make, old: Kept | None) -> Kept:
        made_at = self._clock.now()
        try:
            kept = Kept(await make(), made_at)
        except AWAY as error:
            old = old or self._memory.get(key)
            if old is None or old.ready is None:
                raise
            _log.warning("served_stale", kind=kind.name, reason=str(error))
            # The next requests need not wait to learn that the database is away.
            self._memory.put(key, old)
            self._away_until = self._clock.now() + AWAY_FOR
            return replace(old, is_stale=True)
        self._memory.put(key, kept)
        await self._shared.put(key, kept, kind)
        return replace(kept, how="fwd=miss")


def _not_made(key: str, error: BaseException) -> None:
    _log.debug("answer_not_made", key=key, reason=str(error))
