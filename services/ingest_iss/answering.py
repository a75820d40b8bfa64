"""Answers the questions about the station: passes over a place, and its predicted ground track."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from libs.common.answers import LastAnswer
from libs.common.clock import Clock
from libs.common.events import IssElements
from libs.common.questions import (
    ElementsInUse,
    PassesAnswer,
    PassesQuestion,
    TrackAnswer,
    TrackPoint,
    TrackQuestion,
)
from libs.common.requests import Check, Desk, Worker
from libs.common.topology import COMMANDS_ISS_PASSES, COMMANDS_ISS_TRACK
from services.ingest_iss.orbit import position_at
from services.ingest_iss.passes import Site, passes
from services.ingest_iss.providers.computed import newest_elements

# Passes of ten days take 0.1 s of one core; a busy machine may need ten times that.
LIMIT_S = 5.0


class StationDesk:
    """Predicts from the newest elements known at the moment of the question."""

    def __init__(
        self, redis: Redis, worker: Worker, *, source: str, max_age: timedelta, clock: Clock
    ) -> None:
        self._elements = LastAnswer(redis, source)
        self._worker = worker
        self._max_age = max_age
        self._clock = clock

    def desks(self) -> Sequence[Desk[Any, Any]]:
        """Return where which questions are answered."""
        return (
            Desk(COMMANDS_ISS_PASSES, PassesQuestion, self.passes, limit_s=LIMIT_S),
            Desk(COMMANDS_ISS_TRACK, TrackQuestion, self.track, limit_s=LIMIT_S),
        )

    async def passes(self, question: PassesQuestion) -> PassesAnswer:
        """Return the passes over a place."""
        now = self._clock.now()
        elements = newest_elements(await self._elements.load())
        start = question.start or now
        end = start + timedelta(days=question.days)
        site = Site(question.latitude_deg, question.longitude_deg, question.elevation_m)

        def work(check: Check) -> PassesAnswer:
            try:
                found = passes(elements, site, start, end, question.min_elevation_deg, check)
            except ValueError as error:
                raise _out_of_reach(elements, error) from error
            in_use = self._in_use(elements, now)
            return PassesAnswer(elements=in_use, start=start, end=end, passes=found)

        return await self._worker.run(LIMIT_S, work)

    async def track(self, question: TrackQuestion) -> TrackAnswer:
        """Return the predicted ground track."""
        now = self._clock.now()
        elements = newest_elements(await self._elements.load())
        start = (question.start or now).replace(microsecond=0)

        def work(check: Check) -> TrackAnswer:
            try:
                points = track(elements, start, question.duration_s, question.step_s, check)
            except ValueError as error:
                raise _out_of_reach(elements, error) from error
            return TrackAnswer(elements=self._in_use(elements, now), points=points)

        return await self._worker.run(LIMIT_S, work)

    def _in_use(self, elements: IssElements, now: datetime) -> ElementsInUse:
        age = now - elements.epoch
        return ElementsInUse(
            epoch=elements.epoch, age_s=age.total_seconds(), trusted=abs(age) <= self._max_age
        )


def _out_of_reach(elements: IssElements, error: ValueError) -> ValueError:
    """Return what is wrong with a question about a time that the elements say nothing of."""
    return ValueError(
        f"start: expected a time nearer to the elements, of {elements.epoch:%Y-%m-%d} ({error})"
    )


def track(
    elements: IssElements, start: datetime, duration_s: float, step_s: float, check: Check
) -> list[TrackPoint]:
    """Return the positions each `step_s` seconds from `start` on.

    Raises:
        ValueError: SGP4 has no position for a moment.
    """
    points = []
    for index in range(int(duration_s // step_s) + 1):
        check()
        state = position_at(elements, start + timedelta(seconds=index * step_s))
        points.append(
            TrackPoint(
                time=state.time,
                latitude_deg=round(state.latitude_deg, 4),
                longitude_deg=round(state.longitude_deg, 4),
                altitude_km=round(state.altitude_km, 2),
                sunlit=state.visibility == "daylight",
            )
        )
    return points
