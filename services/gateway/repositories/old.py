"""What the paths of the earlier systems read: pages by number, counts."""

from dataclasses import dataclass

from psycopg import sql
from pydantic import BaseModel

from libs.common.database import Pool
from libs.common.events import Instrument
from services.gateway.latest.archive import Catalogue
from services.gateway.models.images import Image
from services.gateway.models.old import OldStudy, OldStudyHead
from services.gateway.repositories.reading import Conditions, Reader, Row, selection

_NEWEST_STUDIES = 5
_GALLERY = selection("jwst_gallery", Image)
_NO_VALUES: dict[str, object] = {}


class TableCounts(BaseModel):
    """How many rows the tables hold."""

    iss_logs: int
    osdr_items: int
    jwst_images: int
    astro_events: int
    space_documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFilter:
    """Which JWST images; None leaves a condition out."""

    program: int | None = None
    suffix: str | None = None
    instrument: Instrument | None = None


class OldRepository:
    """Reads what the earlier systems answered."""

    def __init__(self, pool: Pool) -> None:
        self._reader = Reader(pool)

    async def studies(self, *, page: int, limit: int) -> list[OldStudy]:
        """Return a page of datasets, those first that came last."""
        rows = await self._reader.rows(
            sql.SQL(
                "SELECT * FROM osdr_items ORDER BY inserted_at DESC, id DESC"
                " LIMIT %(limit)s OFFSET %(skipped)s"
            ),
            {"limit": limit, "skipped": (page - 1) * limit},
        )
        return [OldStudy.model_validate(row) for row in rows]

    async def images(self, which: FeedFilter, *, page: int, limit: int) -> list[Image]:
        """Return a page of images, the newest first."""
        conditions = (
            Conditions()
            .add("program = %(program)s", program=which.program)
            .add("suffix = %(suffix)s", suffix=which.suffix)
            .add("instruments @> ARRAY[%(instrument)s]", instrument=which.instrument)
        )
        rows = await self._reader.rows(
            sql.SQL(
                "SELECT {} FROM jwst_gallery WHERE {} ORDER BY time DESC, image_id DESC"
                " LIMIT %(limit)s OFFSET %(skipped)s"
            ).format(sql.SQL(", ").join(map(sql.Identifier, _GALLERY.columns)), conditions.where),
            {**conditions.values, "limit": limit, "skipped": (page - 1) * limit},
        )
        return _GALLERY.read(rows)

    async def catalogue(self) -> Catalogue:
        """Return how many datasets there are, and the newest."""
        rows = await self._reader.rows(
            sql.SQL(
                "SELECT id, dataset_id, title, status, updated_at, inserted_at,"
                " (SELECT count(*) FROM osdr_datasets) AS total FROM osdr_items"
                " ORDER BY inserted_at DESC, id DESC LIMIT %(limit)s"
            ),
            {"limit": _NEWEST_STUDIES},
        )
        newest = tuple(OldStudyHead.model_validate(row) for row in rows)
        return Catalogue(rows[0]["total"] if rows else 0, newest)

    async def counts(self) -> TableCounts:
        """Return how many rows the tables hold."""
        # The positions of a year are counted from the roll-ups of its 8,760 hours.
        row: Row = (
            await self._reader.rows(
                sql.SQL(
                    """
SELECT (SELECT coalesce(sum(samples), 0)::bigint FROM iss_positions_hour
         WHERE bucket >= date_trunc('hour', (SELECT min(time) FROM iss_positions), 'UTC'))
         AS iss_logs,
    (SELECT count(*) FROM osdr_datasets) AS osdr_items,
    (SELECT count(*) FROM jwst_images) AS jwst_images,
    (SELECT count(*) FROM astro_events) AS astro_events,
    (SELECT count(*) FROM space_apod) + (SELECT count(*) FROM space_neo)
      + (SELECT count(*) FROM space_flares) + (SELECT count(*) FROM space_cmes)
      + (SELECT count(*) FROM space_launches) AS space_documents
"""
                ),
                _NO_VALUES,
            )
        )[0]
        return TableCounts.model_validate(row)
