"""JWST images."""

from dataclasses import dataclass
from datetime import datetime

from libs.common.database import Pool
from libs.common.events import Instrument
from libs.common.events.envelope import Moment
from services.gateway.cursor import Order
from services.gateway.models.images import Image
from services.gateway.repositories.reading import Conditions, Reader, Slice, selection
from services.gateway.routing import Text

_NEWEST = Order("newest", {"time": Moment, "image_id": Text})
# The gallery leaves out the images shipped with the project, once there are others.
_GALLERY = selection("jwst_gallery", Image)
_ALL = selection("jwst_images", Image)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFilter:
    """Which images; None leaves a condition out.

    Attributes:
        words: As people write them into a search box.
        program: Number of the observing program.
        instrument: One of the instruments that took part.
        suffix: Kind of product, with its underscore.
        since: First moment.
        until: First moment after the window.
    """

    words: str | None = None
    program: int | None = None
    instrument: Instrument | None = None
    suffix: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> Conditions:
        """Return the filter as conditions in SQL."""
        return (
            Conditions()
            .add("search @@ websearch_to_tsquery('english', %(words)s)", words=self.words)
            .add("program = %(program)s", program=self.program)
            .add("instruments @> ARRAY[%(instrument)s]", instrument=self.instrument)
            .add("suffix = %(suffix)s", suffix=self.suffix)
            .add("time >= %(since)s", since=self.since)
            .add("time < %(until)s", until=self.until)
        )


class ImageRepository:
    """Reads the images."""

    def __init__(self, pool: Pool) -> None:
        self._reader = Reader(pool)

    async def page(
        self, which: ImageFilter, *, cursor: str | None = None, limit: int = 50
    ) -> Slice[Image]:
        """Return images, the newest first.

        Raises:
            InvalidCursorError: It is no cursor of images.
        """
        return await self._reader.page(
            _GALLERY, which.conditions(), _NEWEST, cursor=cursor, limit=limit
        )

    async def count(self, which: ImageFilter) -> int:
        """Return how many images there are."""
        return await self._reader.count("jwst_gallery", which.conditions())

    async def one(self, image_id: str) -> Image | None:
        """Return an image."""
        return await self._reader.first(
            _ALL, Conditions().add("image_id = %(image_id)s", image_id=image_id)
        )
