"""Answers `astro.events`: the events of any place and window, computed on request."""

from collections.abc import Sequence
from typing import Any

from libs.common.clock import Clock
from libs.common.events import AstroObserver
from libs.common.questions import AstroEventsAnswer, AstroEventsQuestion, AstroHappening
from libs.common.requests import Check, Desk, Worker
from libs.common.topology import COMMANDS_ASTRO_EVENTS
from services.ingest_astro.computed.catalogue import events_for
from services.ingest_astro.providers.computed import NAME

# All events of a year take 1.5 s of one core; a busy machine may need several times that.
LIMIT_S = 10.0


class SkyDesk:
    """Computes the answers to questions, one after the other."""

    def __init__(self, worker: Worker, clock: Clock) -> None:
        self._worker = worker
        self._clock = clock

    def desks(self) -> Sequence[Desk[Any, Any]]:
        """Return which questions are answered, and on which streams."""
        return (Desk(COMMANDS_ASTRO_EVENTS, AstroEventsQuestion, self.events, limit_s=LIMIT_S),)

    async def events(self, question: AstroEventsQuestion) -> AstroEventsAnswer:
        """Return the events that a question asks for."""

        def work(check: Check) -> AstroEventsAnswer:
            found = events_for(
                _observer(question), question.start, question.end, question.kinds, check
            )
            return AstroEventsAnswer(
                provider=NAME,
                computed_at=self._clock.now(),
                events=[AstroHappening(time=time, event=event) for time, event in found],
            )

        return await self._worker.run(LIMIT_S, work)


def _observer(question: AstroEventsQuestion) -> AstroObserver | None:
    if question.latitude_deg is None or question.longitude_deg is None:
        return None
    return AstroObserver(
        name=f"{question.latitude_deg:.4f}, {question.longitude_deg:.4f}",
        latitude_deg=question.latitude_deg,
        longitude_deg=question.longitude_deg,
        elevation_m=question.elevation_m,
    )
