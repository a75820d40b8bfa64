"""Events computed here with astronomy-engine."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from libs.common.clock import Clock
from libs.common.errors import UpstreamError
from libs.common.events import AstroEventEvent, AstroObserver, Origin, Provenance
from libs.common.polling.providers import Reading
from libs.common.requests import Check, TimeIsUpError, Worker
from services.ingest_astro.computed.catalogue import DAILY, ECLIPSES, global_events, local_events
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.known import KnownEvents
from services.ingest_astro.merging import keep_confirmations

NAME = "astronomy-engine"
BEHIND = timedelta(days=1)
AHEAD = timedelta(days=400)
# Rise and set take about seven rows per day and place.
AHEAD_DAILY = timedelta(days=30)
# Everything takes 1.5 s, plus 0.2 s per place; a machine that needs this long is broken.
LIMIT_S = 120.0


class ComputedEvents:
    """All events from a day ago to 400 days ahead; rise and set for 30 days."""

    name = NAME
    origin = Origin.COMPUTED
    budget = None

    def __init__(
        self,
        observers: Sequence[AstroObserver],
        known: KnownEvents,
        worker: Worker,
        clock: Clock,
    ) -> None:
        self._observers = observers
        self._known = known
        self._worker = worker
        self._clock = clock

    async def poll(self) -> Reading:
        """Return all events, with the confirmations that they got earlier.

        Raises:
            UpstreamError: The computation took too long, or the service is stopping.
        """
        now = self._clock.now()
        return self.reading(await self.happenings(now), now)

    async def happenings(self, now: datetime) -> list[Happening]:
        """Compute all events, with the confirmations that they got earlier.

        Raises:
            UpstreamError: As for `poll`.
        """
        try:
            found = await self._worker.run(LIMIT_S, lambda check: self._compute(now, check))
        except TimeIsUpError as error:
            raise UpstreamError(str(error)) from error
        return keep_confirmations(found, await self._known.confirmed())

    def reading(self, happenings: Sequence[Happening], now: datetime) -> Reading:
        """Return computed events as a reading."""
        provenance = Provenance(self.name, self.origin, now)

        async def settle() -> None:
            await self._known.forget_before(now - 2 * BEHIND)

        return Reading(events_of(happenings, provenance), settle=settle)

    def _compute(self, now: datetime, check: Check) -> list[Happening]:
        start = now - BEHIND
        found = list(global_events(start, now + AHEAD, check=check))
        for observer in self._observers:
            found += local_events(observer, start, now + AHEAD, ECLIPSES, check)
            found += local_events(observer, start, now + AHEAD_DAILY, DAILY, check)
        return found


def events_of(happenings: Sequence[Happening], provenance: Provenance) -> list[AstroEventEvent]:
    """Wrap happenings into events."""
    return [
        AstroEventEvent.of_event(happening.event, time=happening.time, provenance=provenance)
        for happening in happenings
    ]
