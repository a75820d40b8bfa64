"""The newest state of everything, kept in memory, as ready answers where that is possible."""

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

from libs.common.clock import Clock
from libs.common.events import (
    AstroEventEvent,
    Event,
    IssElementsEvent,
    IssPositionEvent,
    JwstImageEvent,
    OsdrDatasetEvent,
)
from services.gateway.latest.archive import (
    CatalogueReader,
    LatestCatalogue,
    LatestImages,
    LatestSky,
)
from services.gateway.latest.iss import RECENT_FIXES, LatestIss
from services.gateway.latest.legacy import OldSpace
from services.gateway.latest.space import LatestSpace

__all__ = ["RECENT_FIXES", "Latest", "LatestIss"]

_Recorded = TypeVar("_Recorded", IssElementsEvent, AstroEventEvent, JwstImageEvent)


class Latest:
    """The newest state, fed by the streams."""

    def __init__(self, clock: Clock, reader: CatalogueReader) -> None:
        self._clock = clock
        self.iss = LatestIss(clock)
        self.space = LatestSpace()
        self.old = OldSpace(self.space)
        self.sky = LatestSky()
        self.images = LatestImages()
        self.catalogue = LatestCatalogue(reader)
        # How many events of each type came from the streams since the start.
        self.taken: Counter[str] = Counter()

    def fill(self, events: Iterable[Event]) -> None:
        """Take many events at once, in any order, before any request waits for one."""
        for event in sorted(events, key=lambda event: event.time):
            self._add(event)

    async def take(self, event: Event) -> None:
        """Take an event from a stream; an event older than the known one changes nothing."""
        self.taken[event.type] += 1
        self._add(event)
        if isinstance(event, IssPositionEvent):
            await self.iss.notify()
        elif isinstance(event, OsdrDatasetEvent):
            self.catalogue.changed()

    def _add(self, event: Event) -> None:
        now = self._clock.now()
        match event:
            case IssPositionEvent():
                self.iss.add(event)
            case IssElementsEvent():
                self.iss.add_elements(_without_record(event))
            case AstroEventEvent():
                self.sky.add(_without_record(event), now)
            case JwstImageEvent():
                self.images.images.add(_without_record(event), now)
            case _:
                self.space.add(event, now)


def _without_record(event: _Recorded) -> _Recorded:
    """Drop what no answer shows, and what may be larger than all the rest that is kept."""
    if event.data.upstream_body is None:
        return event
    data = event.data.model_copy(update={"upstream_body": None})
    return event.model_copy(update={"data": data})
