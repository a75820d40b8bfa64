"""What comes next in the sky, the newest pictures, and what the catalogue of studies holds."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from libs.common.database import TRANSIENT_ERRORS
from libs.common.events import AstroEventEvent, JwstImageEvent, Origin
from libs.common.logging import get_logger
from services.gateway.latest.things import Things
from services.gateway.models.old import OldStudyHead

_log = get_logger(__name__)

# The events of the whole Earth that ingest_astro computes ahead are about 200.
_MOST_SKY = 1_000
NEWEST_IMAGES = 12
# Shipped ones are hidden by others and must not take their places.
_MOST_IMAGES = 5 * NEWEST_IMAGES
# A change that came over another way than the streams is seen after this.
_ASK_EVERY_S = 60.0
# A crawl brings hundreds of events; their rows are there a little later.
_SETTLE_S = 2.0


class LatestSky:
    """The events of the whole Earth that are to come."""

    def __init__(self) -> None:
        self.events: Things[AstroEventEvent] = Things(lambda each: each.time, _MOST_SKY)

    def add(self, event: AstroEventEvent, now: datetime) -> None:
        """Take an event; what only one place sees is asked for, not kept."""
        if event.data.observer is None:
            self.events.add(event, now)

    def next_at(self, now: datetime, within: timedelta) -> list[AstroEventEvent]:
        """Return the events to come, the next first."""
        self.events.forget_before(now)
        return self.events.between(now, now + within)


class LatestImages:
    """The newest JWST images."""

    def __init__(self) -> None:
        self.images: Things[JwstImageEvent] = Things(lambda each: each.time, _MOST_IMAGES)

    def newest(self, now: datetime) -> list[JwstImageEvent]:
        """Return the newest first, without those that were shipped once there are others."""
        known = self.images.between(datetime.min.replace(tzinfo=now.tzinfo))
        received = [each for each in known if each.origin is not Origin.SNAPSHOT]
        return list(reversed(received or known))[:NEWEST_IMAGES]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the database holds of the open science datasets."""

    count: int
    newest: tuple[OldStudyHead, ...]


class CatalogueReader(Protocol):
    """Who can ask the database."""

    async def catalogue(self) -> Catalogue:
        """Return what the database holds."""
        ...


class LatestCatalogue:
    """The catalogue as the database had it last; kept while that is away."""

    def __init__(self, reader: CatalogueReader) -> None:
        self._reader = reader
        self._changed = asyncio.Event()
        self.known = Catalogue(0, ())

    def changed(self) -> None:
        """Take note of an event that changes it."""
        self._changed.set()

    async def read(self) -> None:
        """Ask the database.

        Raises:
            psycopg.Error: Of `TRANSIENT_ERRORS`: it is away.
        """
        self.known = await self._reader.catalogue()

    async def keep_forever(self) -> None:
        """Read again after changes, and now and then."""
        while True:
            try:
                async with asyncio.timeout(_ASK_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(_SETTLE_S)
            self._changed.clear()
            try:
                await self.read()
            except TRANSIENT_ERRORS as error:
                _log.debug("catalogue_not_read", reason=str(error))
                self._changed.set()
