"""NASA's open science datasets: search, one, its versions, facets."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from psycopg import sql
from pydantic import Field

from libs.common.database import Pool
from libs.common.events.envelope import Moment
from services.gateway.cursor import Order
from services.gateway.models.datasets import Dataset, DatasetChange, DatasetSummary, Facet, Facets
from services.gateway.repositories.reading import Conditions, Reader, Slice, selection
from services.gateway.routing import Text

_Number = Annotated[int, Field(ge=0, le=2_147_483_647)]


class DatasetOrder(StrEnum):
    """How studies may be sorted."""

    NEWEST = "newest"
    RELEASE_DATE = "release_date"
    TITLE = "title"
    ACCESSION = "accession"
    RELEVANCE = "relevance"


_ORDERS = {
    DatasetOrder.NEWEST: Order("newest", {"fetched_at": Moment, "number": _Number}),
    # A study without a date comes last.
    DatasetOrder.RELEASE_DATE: Order(
        "release_date", {"coalesce(release_date, '0001-01-01'::date)": date, "number": _Number}
    ),
    DatasetOrder.TITLE: Order("title", {"title_sort": Text, "number": _Number}, descending=False),
    DatasetOrder.ACCESSION: Order("accession", {"number": _Number}, descending=False),
    DatasetOrder.RELEVANCE: Order(
        "relevance", {"ts_rank(search, query)::float8": float, "number": _Number}
    ),
}
_CHANGES_ORDER = Order("changes", {"fetched_at": Moment, "id": UUID})

_SUMMARIES = selection("osdr_datasets", DatasetSummary)
_SEARCHED = selection(
    "osdr_datasets, websearch_to_tsquery('english', %(words)s) AS query", DatasetSummary
)
_DATASETS = selection("osdr_datasets", Dataset)
_CHANGES = selection("osdr_dataset_history", DatasetChange)

_FACETS = sql.SQL(
    """
SELECT facet, value, count(*) AS count FROM (
  SELECT number, 'organism' AS facet, unnest(organisms) AS value FROM osdr_datasets
  UNION
  SELECT number, 'assay', unnest(assay_types) FROM osdr_datasets
  UNION
  SELECT number, 'project_type', project_type FROM osdr_datasets WHERE project_type IS NOT NULL
  UNION
  SELECT number, 'program', unnest(flight_programs || space_programs) FROM osdr_datasets
) AS labels GROUP BY facet, value ORDER BY facet, count DESC, value
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFilter:
    """Which studies; None leaves a condition out.

    Attributes:
        words: As people write them into a search box: `"spinal cord" OR muscle -mouse`.
        organism: As the facets spell it.
        assay: As the facets spell it.
        project_type: As the facets spell it.
        program: A flight or space program, as the facets spell it.
    """

    words: str | None = None
    organism: str | None = None
    assay: str | None = None
    project_type: str | None = None
    program: str | None = None

    def conditions(self) -> Conditions:
        """Return the filter as conditions in SQL."""
        return (
            Conditions()
            .add("search @@ websearch_to_tsquery('english', %(words)s)", words=self.words)
            .add("organisms @> ARRAY[%(organism)s]", organism=self.organism)
            .add("assay_types @> ARRAY[%(assay)s]", assay=self.assay)
            .add("project_type = %(project_type)s", project_type=self.project_type)
            .add(
                "(flight_programs @> ARRAY[%(program)s] OR space_programs @> ARRAY[%(program)s])",
                program=self.program,
            )
        )


class DatasetRepository:
    """Reads the open science datasets."""

    def __init__(self, pool: Pool) -> None:
        self._reader = Reader(pool)

    async def page(
        self,
        which: DatasetFilter,
        *,
        order: DatasetOrder = DatasetOrder.NEWEST,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Slice[DatasetSummary]:
        """Return studies; the order by relevance needs words to compare with.

        Raises:
            InvalidCursorError: It is no cursor of this order.
        """
        ranked = order is DatasetOrder.RELEVANCE
        return await self._reader.page(
            _SEARCHED if ranked else _SUMMARIES,
            which.conditions(),
            _ORDERS[order],
            cursor=cursor,
            limit=limit,
        )

    async def count(self, which: DatasetFilter) -> int:
        """Return how many studies there are."""
        return await self._reader.count("osdr_datasets", which.conditions())

    async def one(self, accession: str) -> Dataset | None:
        """Return a study."""
        conditions = Conditions().add("accession = %(accession)s", accession=accession)
        return await self._reader.first(_DATASETS, conditions)

    async def changes(
        self, accession: str, *, cursor: str | None = None, limit: int = 50
    ) -> Slice[DatasetChange]:
        """Return the versions of a study, the newest first.

        Raises:
            InvalidCursorError: It is no cursor of versions.
        """
        conditions = Conditions().add("accession = %(accession)s", accession=accession)
        return await self._reader.page(
            _CHANGES, conditions, _CHANGES_ORDER, cursor=cursor, limit=limit
        )

    async def facets(self) -> Facets:
        """Return the values that studies can be filtered by."""
        found: dict[str, list[Facet]] = {
            "organism": [],
            "assay": [],
            "project_type": [],
            "program": [],
        }
        for row in await self._reader.rows(_FACETS, {}):
            found[row["facet"]].append(Facet(value=row["value"], count=row["count"]))
        return Facets(**found, total=await self.count(DatasetFilter()))
