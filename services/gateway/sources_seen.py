"""The states of the sources as the broker had them within the last second."""

import asyncio
import time
from datetime import datetime

from redis.exceptions import RedisError

from libs.common.clock import Clock
from libs.common.errors import DependencyUnavailableError
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceRegistry, SourceStatus

# At most a dozen reads from the broker a second, however many clients ask.
_LIFE_S = 1.0
# After a failure no request waits for the broker again for this long.
_PAUSE_S = 5.0
# Reading takes a millisecond; the broker's client library would retry for seconds.
_PATIENCE_S = 0.5


class SeenSources:
    """Asks the registry at most once a second, and keeps the last answer while it is away."""

    def __init__(self, registry: SourceRegistry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._lock = asyncio.Lock()
        self._seen: dict[str, SourceStatus] = {}
        self._led: set[str] = set()
        self._look_at = float("-inf")
        # When the broker last answered; None before it has.
        self.seen_at: datetime | None = None
        # Why there is no newer answer; None while there is.
        self.trouble: str | None = None

    async def all(self) -> dict[str, SourceStatus]:
        """Return every known source as it must be shown now."""
        async with self._lock:
            if time.monotonic() > self._look_at:
                await self._look()
        now = self._clock.now()
        return {
            name: status.as_of(now, is_led=name in self._led) for name, status in self._seen.items()
        }

    async def known(self) -> list[SourceStatus]:
        """Return every known source, sorted by name; while the broker is away, the last known.

        Raises:
            DependencyUnavailableError: The broker is away, and has never answered before.
        """
        seen = await self.all()
        if self.seen_at is None:
            raise DependencyUnavailableError(self.trouble or "no source has been seen yet")
        return [seen[name] for name in sorted(seen)]

    def staleness(self) -> dict[str, str]:
        """Return headers that mark an answer as stale; none while the broker answers."""
        if self.trouble is None or self.seen_at is None:
            return {}
        age_s = int((self._clock.now() - self.seen_at).total_seconds())
        return {"Age": str(max(0, age_s)), "Cache-Status": "cassiopeia; hit; detail=stale"}

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                seen = {status.name: status for status in await self._registry.all()}
                self._seen, self._led = seen, await self._registry.led(seen)
        except (RedisError, TimeoutError):
            self.trouble = "the broker, which knows the sources, does not respond"
            self._look_at = time.monotonic() + _PAUSE_S
        else:
            self.trouble = None
            self.seen_at = self._clock.now()
            self._look_at = time.monotonic() + _LIFE_S


# The worst is last. `not_configured` is the operator's choice, not a fault.
_BY_BADNESS = (
    SourceState.OK,
    SourceState.NOT_CONFIGURED,
    SourceState.STALE,
    SourceState.FROZEN,
    SourceState.BLOCKED,
    SourceState.FAILING,
)


def worst(statuses: list[SourceStatus]) -> SourceStatus | None:
    """Return the status of the worst source; None if there is no source."""
    return max(statuses, key=lambda each: _BY_BADNESS.index(each.state), default=None)
