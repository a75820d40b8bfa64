"""The station: its newest position and the fixes before it, and the newest elements."""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from libs.common.clock import Clock, iso
from libs.common.events import IssElementsEvent, IssPositionEvent
from services.gateway.positions import Position
from services.gateway.ready import Ready

# 1,000 fixes at one in 5 s are 83 minutes, almost one orbit: about 2 MB.
RECENT_FIXES = 1_000
# A position further in the future than any clock's error must not become the newest: it would stay
# so until its time has come.
FUTURE_TOLERANCE = timedelta(minutes=1)


class LatestIss:
    """The newest position and the fixes before it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fixes: deque[IssPositionEvent] = deque(maxlen=RECENT_FIXES)
        self._changed = asyncio.Condition()
        self.position: Ready | None = None
        self.legacy: Ready | None = None
        self.elements: IssElementsEvent | None = None

    @property
    def newest(self) -> IssPositionEvent | None:
        """The newest fix."""
        return self._fixes[-1] if self._fixes else None

    def recent(self, count: int) -> Sequence[IssPositionEvent]:
        """Return the last fixes in the order of their time, at most `count`."""
        return list(self._fixes)[-count:]

    async def notify(self) -> None:
        """Wake the requests that wait for a fix."""
        async with self._changed:
            self._changed.notify_all()

    async def fetched_after(self, moment: datetime, timeout_s: float) -> bool:
        """Wait for a fix that was fetched after a moment; return false when the time is over."""

        def is_fresh() -> bool:
            return self.newest is not None and self.newest.fetchedat > moment

        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(is_fresh)
        except TimeoutError:
            return False
        return True

    def add_elements(self, event: IssElementsEvent) -> None:
        """Take elements; older ones change nothing."""
        known = self.elements
        if known is None or (event.data.epoch, event.fetchedat) > (
            known.data.epoch,
            known.fetchedat,
        ):
            self.elements = event

    def add(self, event: IssPositionEvent) -> bool:
        """Take a fix; return false if it is older than the newest one, or from the future."""
        if event.time > self._clock.now() + FUTURE_TOLERANCE:
            return False
        # A live and a computed fix may share a second: the one that was fetched later counts.
        newest = self.newest
        if newest and (event.time, event.fetchedat) <= (newest.time, newest.fetchedat):
            return False
        self._fixes.append(event)
        self.position = Ready.of(Position.of_event(event).model_dump_json().encode(), event.time)
        self.legacy = Ready.of(_legacy_document(event), event.time)
        return True


def _legacy_document(event: IssPositionEvent) -> bytes:
    """Return a fix as the earlier systems' `/last` had it."""
    return json.dumps(
        {
            "id": event.sequence,
            "fetched_at": iso(event.fetchedat),
            "source_url": event.data.source_url,
            "payload": event.data.upstream_body,
        }
    ).encode()
