"""Answers the questions about the station: passes over a place, and its predicted ground track."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from libs.common.clock import Clock
from libs.common.errors import CassiopeiaError, DependencyUnavailableError
from libs.common.events import IssElements
from libs.common.polling.published import LastAnswer
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

# The passes of ten days take 0.1 s of one core; a busy machine may need ten times that.
LIMIT_S = 5.0
# After some months, the station's place on its orbit is a guess. The plane of the orbit is lost
# next: when the orbit is raised by 10 km, as happens within a year, its plane turns by 9 deg less
# (of 1,800) in a year.
FURTHEST = timedelta(days=366)


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
        """Return which questions are answered, and on which streams."""
        return (
            Desk(COMMANDS_ISS_PASSES, PassesQuestion, self.passes, limit_s=LIMIT_S),
            Desk(COMMANDS_ISS_TRACK, TrackQuestion, self.track, limit_s=LIMIT_S),
        )

    async def passes(self, question: PassesQuestion) -> PassesAnswer:
        """Return the passes over a place."""
        now = self._clock.now()
        elements = newest_elements(await self._elements.load())
        start = question.start or now.replace(second=0, microsecond=0)
        end = start + timedelta(days=question.days)
        site = Site(question.latitude_deg, question.longitude_deg, question.elevation_m)

        def work(check: Check) -> PassesAnswer:
            try:
                in_use = self._in_use(elements, start, end)
                found = passes(elements, site, start, end, question.min_elevation_deg, check)
            except ValueError as error:
                raise _out_of_reach(question, elements, error) from error
            return PassesAnswer(elements=in_use, start=start, end=end, passes=found)

        return await self._worker.run(LIMIT_S, work)

    async def track(self, question: TrackQuestion) -> TrackAnswer:
        """Return the predicted ground track."""
        now = self._clock.now()
        elements = newest_elements(await self._elements.load())
        start = (question.start or now).replace(microsecond=0)
        end = start + timedelta(seconds=question.duration_s)

        def work(check: Check) -> TrackAnswer:
            try:
                in_use = self._in_use(elements, start, end)
                points = track(elements, start, question.duration_s, question.step_s, check)
            except ValueError as error:
                raise _out_of_reach(question, elements, error) from error
            return TrackAnswer(elements=in_use, points=points)

        return await self._worker.run(LIMIT_S, work)

    def _in_use(self, elements: IssElements, start: datetime, end: datetime) -> ElementsInUse:
        """Return the elements' epoch, and their age at the further end of a window.

        Raises:
            ValueError: The window is too far from their epoch.
        """
        age = max(start - elements.epoch, end - elements.epoch, key=abs)
        if abs(age) > FURTHEST:
            raise ValueError(f"they reach {FURTHEST.days} days")
        return ElementsInUse(
            epoch=elements.epoch, age_s=age.total_seconds(), trusted=abs(age) <= self._max_age
        )


def _out_of_reach(
    question: PassesQuestion | TrackQuestion, elements: IssElements, error: ValueError
) -> ValueError | CassiopeiaError:
    """Return the error for a question about a time that the elements do not cover.

    A question about the present is not wrong: there are only no elements to answer it with.
    """
    known = f"the newest elements are of {elements.epoch:%Y-%m-%d} ({error})"
    if question.start is None:
        return DependencyUnavailableError(known)
    return ValueError(f"start: expected a time nearer to the elements: {known}")


def track(
    elements: IssElements, start: datetime, duration_s: float, step_s: float, check: Check
) -> list[TrackPoint]:
    """Return the positions every `step_s` seconds from `start` on.

    Raises:
        ValueError: There is no position for a moment.
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
