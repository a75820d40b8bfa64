"""`/api/v1/osdr/...`: NASA's open science datasets."""

from http import HTTPStatus
from typing import Annotated, Self

from aiohttp import web
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from libs.common.events import OsdrDatasetEvent
from services.gateway.api.cached import MAX_PAGE, PageParams, cached, feed_ready, send_cached
from services.gateway.cache import Kind
from services.gateway.feeds.news import dataset_entry
from services.gateway.keys import REPOSITORIES
from services.gateway.models.datasets import Dataset, DatasetChangesPage, DatasetsPage, Facets
from services.gateway.problems import invalid_parameter
from services.gateway.ready import Ready
from services.gateway.repositories.datasets import DatasetFilter, DatasetOrder
from services.gateway.routing import ATOM, Params, Route, Text

DATASETS = Kind("osdr", fresh_s=300.0, changed_by=frozenset({OsdrDatasetEvent.TYPE}))
_CACHE = "5 minutes, or until a study changes"
_AWAY = (HTTPStatus.SERVICE_UNAVAILABLE,)
_MISSING = (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
FEED_LENGTH = 50

Accession = Annotated[
    str,
    StringConstraints(pattern=r"^[Oo][Ss][Dd]-[1-9][0-9]{0,6}$"),
    AfterValidator(str.upper),
]


class FilterParams(Params):
    """Which studies."""

    q: Text | None = Field(
        default=None,
        description='Words, as in a search box: `muscle "spinal cord" -mouse`.',
    )
    organism: Text | None = Field(default=None, examples=["Mus musculus"])
    assay: Text | None = Field(default=None, description="As `osdr/facets` spells it.")
    project_type: Text | None = Field(default=None, description="As `osdr/facets` spells it.")
    program: Text | None = Field(
        default=None, description="Flight or space program, as `osdr/facets` spells it."
    )

    @property
    def which(self) -> DatasetFilter:
        """The filter in the form that the repository takes."""
        return DatasetFilter(
            words=self.q,
            organism=self.organism,
            assay=self.assay,
            project_type=self.project_type,
            program=self.program,
        )


class DatasetsParams(PageParams, FilterParams):
    """A page of studies."""

    sort: DatasetOrder | None = Field(
        default=None, description="By default `relevance` with `q`, else `newest`."
    )

    @model_validator(mode="after")
    def _relevance_is_to_words(self) -> Self:
        if self.sort is DatasetOrder.RELEVANCE and self.q is None:
            raise invalid_parameter("sort", "expected `relevance` only with `q`")
        return self

    @property
    def order(self) -> DatasetOrder:
        """How the studies are sorted."""
        return self.sort or (DatasetOrder.RELEVANCE if self.q else DatasetOrder.NEWEST)


class DatasetParams(Params):
    """Which study."""

    accession: Accession = Field(examples=["OSD-137"])


class FacetsParams(Params):
    """No parameters: all facets come at once."""

    @property
    def size(self) -> int:
        """The number of labels: about a full page."""
        return MAX_PAGE


class ChangesParams(PageParams, DatasetParams):
    """A page of the versions of a study."""


async def datasets(app: web.Application, params: DatasetsParams) -> DatasetsPage:
    """Return NASA's open science datasets, searched and sorted."""
    repository = app[REPOSITORIES].datasets
    found = await repository.page(
        params.which, order=params.order, cursor=params.cursor, limit=params.limit
    )
    total = await repository.count(params.which)
    return DatasetsPage(items=found.items, next=found.next, total=total)


async def dataset(app: web.Application, params: DatasetParams) -> Dataset | None:
    """Return one dataset with all its fields."""
    return await app[REPOSITORIES].datasets.one(params.accession)


async def changes(app: web.Application, params: ChangesParams) -> DatasetChangesPage | None:
    """Return the versions of a dataset, the newest first."""
    found = await app[REPOSITORIES].datasets.changes(
        params.accession, cursor=params.cursor, limit=params.limit
    )
    if not found.items and params.cursor is None:
        return None
    return DatasetChangesPage(items=found.items, next=found.next)


async def facets(app: web.Application, _: FacetsParams) -> Facets:
    """Return the values that datasets can be filtered by."""
    return await app[REPOSITORIES].datasets.facets()


async def feed(request: web.Request, params: FilterParams) -> web.StreamResponse:
    """Answer the studies that changed last as a feed."""

    async def make() -> Ready:
        found = await request.app[REPOSITORIES].datasets.page(params.which, limit=FEED_LENGTH)
        entries = [dataset_entry(one) for one in found.items]
        return feed_ready(request, params, "NASA open science datasets", entries, found.items)

    return await send_cached(request, DATASETS, params, make)


ROUTES = (
    Route(
        path="/api/v1/osdr/datasets",
        handler=cached(DATASETS, datasets),
        summary="NASA's open science datasets, searched and sorted.",
        tag="osdr",
        params=DatasetsParams,
        answer=DatasetsPage,
        graph={"datasets": datasets},
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/osdr/datasets.atom",
        handler=feed,
        summary="The datasets that changed last, as an Atom feed.",
        tag="osdr",
        params=FilterParams,
        media=ATOM,
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/osdr/datasets/{accession}",
        handler=cached(DATASETS, dataset),
        summary="All of one dataset.",
        tag="osdr",
        params=DatasetParams,
        answer=Dataset,
        graph={"dataset": dataset},
        problems=_MISSING,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/osdr/datasets/{accession}/changes",
        handler=cached(DATASETS, changes),
        summary="The versions of a dataset, and what changed in each.",
        tag="osdr",
        params=ChangesParams,
        answer=DatasetChangesPage,
        graph={"dataset_changes": changes},
        problems=_MISSING,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/osdr/facets",
        handler=cached(DATASETS, facets),
        summary="Organisms, assays, project types and programs, with how many datasets have them.",
        tag="osdr",
        params=FacetsParams,
        answer=Facets,
        graph={"dataset_facets": facets},
        problems=_AWAY,
        cache=_CACHE,
    ),
)
