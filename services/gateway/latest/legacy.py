"""The space documents as the earlier systems kept them: what their upstreams sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.common.events import Event
from services.gateway.latest.space import SPACEX, LatestSpace
from services.gateway.latest.view import ALWAYS, Joined, View, next_day
from services.gateway.models.old import SpaceDocument, SummaryEntry
from services.gateway.ready import Ready


@dataclass(frozen=True, slots=True)
class OldDocument:
    """A document as `/space/{src}/latest` has it, and as a part of `/space/summary`."""

    ready: Ready
    summary: bytes

    @classmethod
    def of(
        cls,
        source: str,
        payload: Any,  # noqa: ANN401 - what an upstream sent
        events: Sequence[Event],
        now: datetime,
    ) -> "OldDocument":
        """Render what the upstream sent; the document is as old as its newest part.

        It may change without a newer part: at midnight, or when a launch has flown.
        """
        at = max(event.fetchedat for event in events)
        # Not validated again: the bodies were when they were decoded.
        document = SpaceDocument.model_construct(source=source, fetched_at=at, payload=payload)
        summary = SummaryEntry.model_construct(at=at, payload=payload)
        body = document.model_dump_json().encode()
        return cls(Ready.of(body, at, changed_at=now), summary.model_dump_json().encode())


_Made = tuple[OldDocument | None, datetime]


class OldSpace:
    """The documents by the names of the earlier systems."""

    def __init__(self, space: LatestSpace) -> None:
        self._space = space
        self._summary = Joined()

        def view(
            make: Callable[[datetime], _Made], version: Callable[[], object]
        ) -> View[OldDocument | None]:
            return View(make, version)

        self.views = {
            "apod": view(self._apod, lambda: space.picture),
            "neo": view(self._neo, lambda: space.approaches.version),
            "flr": view(self._flares, lambda: space.flares.version),
            "cme": view(self._ejections, lambda: space.ejections.version),
            "spacex": view(self._next_launch, lambda: space.launches.version),
        }

    def document(self, source: str, now: datetime) -> OldDocument | None:
        """Return the document of a source; None if there is no document, or no such source."""
        view = self.views.get(source)
        return view.at(now) if view else None

    def summary(self, now: datetime, others: Mapping[str, bytes]) -> Ready:
        """Return the newest documents of all sources, `{}` where there is none, and others."""
        documents = {name: view.at(now) for name, view in self.views.items()}
        parts = {name: each.summary if each else b"{}" for name, each in documents.items()}
        return self._summary.of({**parts, **others}, now)

    def _apod(self, now: datetime) -> _Made:
        picture = self._space.picture
        if picture is None:
            return None, ALWAYS
        return OldDocument.of("apod", picture.data.upstream_body, [picture], now), ALWAYS

    def _neo(self, now: datetime) -> _Made:
        # As NASA's feed has it: up to today, with a list for each day.
        end = next_day(now)
        events = [
            each for each in self._space.approaches_at(now) if each.data.approach_date < end.date()
        ]
        if not events:
            return None, end
        days: dict[str, list[Any]] = {}
        for each in sorted(events, key=lambda each: each.time):
            day = each.data.approach_date.isoformat()
            days.setdefault(day, []).append(each.data.upstream_body)
        payload = {"element_count": len(events), "near_earth_objects": days}
        return OldDocument.of("neo", payload, events, now), end

    def _flares(self, now: datetime) -> _Made:
        return _listed("flr", self._space.flares_at(now), now)

    def _ejections(self, now: datetime) -> _Made:
        return _listed("cme", self._space.ejections_at(now), now)

    def _next_launch(self, now: datetime) -> _Made:
        launch = self._space.next_by(SPACEX, now)
        if launch is None:
            return None, ALWAYS
        # Once this launch has flown, another one is next.
        document = OldDocument.of("spacex", launch.data.upstream_body, [launch], now)
        return document, launch.data.net


def _listed(source: str, events: Sequence[Any], now: datetime) -> _Made:
    until = next_day(now)
    if not events:
        return None, until
    bodies = [each.data.upstream_body for each in events]
    return OldDocument.of(source, bodies, events, now), until
