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

# ingest_astro computes about 200 events of the whole Earth ahead.
_MOST_SKY = 1_000
NEWEST_IMAGES = 12
# Images shipped with the project are hidden by others, and must not take their places.
_MOST_IMAGES = 5 * NEWEST_IMAGES
# A change of the database that did not come from the streams is noticed after this.
_ASK_EVERY_S = 60.0
# A crawl brings hundreds of events, and their rows are stored a little later.
_SETTLE_S = 2.0


class LatestSky:
    """The events of the whole Earth that are to come."""

    def __init__(self) -> None:
        self.events: Things[AstroEventEvent] = Things(lambda each: each.time, _MOST_SKY)

    def add(self, event: AstroEventEvent, now: datetime) -> None:
        """Take an event of the whole Earth; events of one place are asked for, not kept."""
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
        """Return images, newest first; shipped ones are left out once there are others."""
        known = self.images.between(datetime.min.replace(tzinfo=now.tzinfo))
        received = [each for each in known if each.origin is not Origin.SNAPSHOT]
        return list(reversed(received or known))[:NEWEST_IMAGES]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the database holds of the open science datasets."""

    count: int
    newest: tuple[OldStudyHead, ...]


class CatalogueReader(Protocol):
    """Something that reads the catalogue from the database."""

    async def catalogue(self) -> Catalogue:
        """Return what the database holds."""
        ...


class LatestCatalogue:
    """The catalogue as it was last read; kept while the database is away."""

    def __init__(self, reader: CatalogueReader) -> None:
        self._reader = reader
        self._changed = asyncio.Event()
        self.known = Catalogue(0, ())

    def changed(self) -> None:
        """Note that an event has changed the catalogue."""
        self._changed.set()

    async def read(self) -> None:
        """Read the catalogue from the database.

        Raises:
            psycopg.Error: One of `TRANSIENT_ERRORS`: the database is away.
        """
        self.known = await self._reader.catalogue()

    async def keep_forever(self) -> None:
        """Read the catalogue again after each change, and once a minute in any case."""
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
