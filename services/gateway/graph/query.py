"""What can be asked: the resources of the API, under the names that GraphQL gives them."""

from dataclasses import dataclass
from datetime import date, datetime

import strawberry

from libs.common.clock import Clock
from libs.common.events import AstroKind, IssPositionEvent
from libs.common.sources import SourceStatus
from services.gateway.api.astro import EventsParams
from services.gateway.api.cached import PageParams, Window
from services.gateway.api.iss import ElementsParams, PositionsPage
from services.gateway.api.jwst import ImagesParams
from services.gateway.api.osdr import DatasetParams, DatasetsParams
from services.gateway.api.space.apod import PicturesParams
from services.gateway.api.space.cmes import EjectionsParams
from services.gateway.api.space.flares import FlaresParams
from services.gateway.api.space.launches import LaunchesParams
from services.gateway.api.space.neo import ApproachesParams
from services.gateway.api.thumbnail import ImageParams
from services.gateway.graph.arguments import checked
from services.gateway.graph.types import graph_enum, resolves
from services.gateway.models.datasets import Dataset, DatasetsPage, Facets
from services.gateway.models.elements import ElementSet, ElementsPage
from services.gateway.models.images import Image, ImagesPage
from services.gateway.models.sky import SkyEvent
from services.gateway.models.space import (
    Approach,
    ApproachesPage,
    Ejection,
    EjectionsPage,
    Flare,
    FlaresPage,
    LaunchesPage,
    LaunchShown,
    Picture,
    PicturesPage,
)
from services.gateway.positions import Position
from services.gateway.repositories import Repositories
from services.gateway.repositories.datasets import DatasetOrder
from services.gateway.repositories.reading import Slice
from services.gateway.repositories.space import LaunchFilter
from services.gateway.sources_seen import SeenSources

SKY_DAYS = 30


@dataclass(frozen=True, slots=True)
class GraphContext:
    """What resolvers use."""

    repositories: Repositories
    sources: SeenSources
    clock: Clock
    newest: IssPositionEvent | None
    operation_name: str | None


class PositionsParams(PageParams, Window):
    """A page of positions; charts are for REST alone."""


Info = strawberry.Info[GraphContext, None]


@strawberry.type(description="Public space data; every datum tells its time and its origin.")
class Query:
    """The root: one field per resource."""

    @resolves(Position, nullable=True)
    def position(self, info: Info) -> Position | None:
        """Where the station is now; null before the first position."""
        newest = info.context.newest
        return Position.of_event(newest) if newest else None

    @resolves(PositionsPage)
    async def positions(
        self,
        info: Info,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> PositionsPage:
        """Where the station was, the newest first."""
        params = checked(PositionsParams, since=since, until=until, limit=limit, cursor=cursor)
        page = await info.context.repositories.positions.page(
            since=params.since, until=params.until, cursor=params.cursor, limit=params.limit
        )
        items = [Position.of_event(row.event, row.stored_at) for row in page.items]
        return PositionsPage.model_construct(items=items, next=page.next)

    @resolves(ElementsPage)
    async def elements(
        self, info: Info, limit: int = 50, cursor: str | None = None
    ) -> Slice[ElementSet]:
        """Orbital elements of the station, the newest first."""
        params = checked(ElementsParams, limit=limit, cursor=cursor)
        return await info.context.repositories.positions.elements(
            cursor=params.cursor, limit=params.limit
        )

    @resolves(DatasetsPage)
    async def datasets(  # noqa: PLR0913, PLR0917 - one argument per filter of the resource
        self,
        info: Info,
        q: str | None = None,
        organism: str | None = None,
        assay: str | None = None,
        project_type: str | None = None,
        program: str | None = None,
        sort: graph_enum(DatasetOrder) = DatasetOrder.NEWEST,  # type: ignore[valid-type]
        limit: int = 50,
        cursor: str | None = None,
    ) -> DatasetsPage:
        """NASA's open science datasets."""
        datasets = info.context.repositories.datasets
        params = checked(
            DatasetsParams,
            q=q,
            organism=organism,
            assay=assay,
            project_type=project_type,
            program=program,
            sort=sort,
            limit=limit,
            cursor=cursor,
        )
        page = await datasets.page(
            params.which, order=params.order, cursor=params.cursor, limit=params.limit
        )
        return DatasetsPage.model_construct(
            items=page.items, next=page.next, total=await datasets.count(params.which)
        )

    @resolves(Dataset, nullable=True)
    async def dataset(self, info: Info, accession: str) -> Dataset | None:
        """One dataset; null where there is none of that accession."""
        params = checked(DatasetParams, accession=accession)
        return await info.context.repositories.datasets.one(params.accession)

    @resolves(Facets)
    async def dataset_facets(self, info: Info) -> Facets:
        """What datasets can be narrowed down to."""
        return await info.context.repositories.datasets.facets()

    @resolves(ImagesPage)
    async def images(  # noqa: PLR0913, PLR0917 - one argument per filter of the resource
        self,
        info: Info,
        q: str | None = None,
        program: int | None = None,
        instrument: str | None = None,
        suffix: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> ImagesPage:
        """JWST images, the newest first."""
        images = info.context.repositories.images
        params = checked(
            ImagesParams,
            q=q,
            program=program,
            instrument=instrument,
            suffix=suffix,
            since=since,
            until=until,
            limit=limit,
            cursor=cursor,
        )
        page = await images.page(params.which, cursor=params.cursor, limit=params.limit)
        return ImagesPage.model_construct(
            items=page.items, next=page.next, total=await images.count(params.which)
        )

    @resolves(Image, nullable=True)
    async def image(self, info: Info, image_id: str) -> Image | None:
        """One image; null where there is none of that name."""
        params = checked(ImageParams, image_id=image_id)
        return await info.context.repositories.images.one(params.image_id)

    @resolves(SkyEvent, many=True)
    async def sky_events(
        self,
        info: Info,
        since: datetime | None = None,
        until: datetime | None = None,
        types: list[graph_enum(AstroKind)] | None = None,  # type: ignore[valid-type]
    ) -> list[SkyEvent]:
        """What happens in the sky for the whole Earth: of 30 days, unless told otherwise."""
        days = SKY_DAYS if until is None else None
        params = checked(EventsParams, since=since, until=until, days=days, types=types)
        begin, end = params.window(info.context.clock.now())
        return await info.context.repositories.astro.global_events(begin, end, params.types)

    @resolves(PicturesPage)
    async def pictures(
        self,
        info: Info,
        since: date | None = None,
        until: date | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Slice[Picture]:
        """Astronomy pictures of the day, the newest first."""
        params = checked(PicturesParams, since=since, until=until, limit=limit, cursor=cursor)
        return await info.context.repositories.space.pictures(
            since=params.since, until=params.until, cursor=params.cursor, limit=params.limit
        )

    @resolves(ApproachesPage)
    async def approaches(
        self,
        info: Info,
        since: date | None = None,
        until: date | None = None,
        hazardous: bool | None = None,  # noqa: FBT001 - an argument of GraphQL has a name
        limit: int = 50,
        cursor: str | None = None,
    ) -> Slice[Approach]:
        """Passages of near-Earth objects, the latest first."""
        params = checked(
            ApproachesParams,
            since=since,
            until=until,
            hazardous=hazardous,
            limit=limit,
            cursor=cursor,
        )
        return await info.context.repositories.space.approaches(
            since=params.since,
            until=params.until,
            hazardous=params.hazardous,
            cursor=params.cursor,
            limit=params.limit,
        )

    @resolves(FlaresPage)
    async def flares(
        self,
        info: Info,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Slice[Flare]:
        """Solar flares, the newest first."""
        params = checked(FlaresParams, since=since, until=until, limit=limit, cursor=cursor)
        return await info.context.repositories.space.flares(
            since=params.since, until=params.until, cursor=params.cursor, limit=params.limit
        )

    @resolves(EjectionsPage)
    async def ejections(
        self,
        info: Info,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Slice[Ejection]:
        """Coronal mass ejections, the newest first."""
        params = checked(EjectionsParams, since=since, until=until, limit=limit, cursor=cursor)
        return await info.context.repositories.space.ejections(
            since=params.since, until=params.until, cursor=params.cursor, limit=params.limit
        )

    @resolves(LaunchesPage)
    async def launches(
        self,
        info: Info,
        since: datetime | None = None,
        until: datetime | None = None,
        provider: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Slice[LaunchShown]:
        """Launches from now on, or from `since` on, the next first."""
        params = checked(
            LaunchesParams,
            since=since,
            until=until,
            provider=provider,
            limit=limit,
            cursor=cursor,
        )
        which = LaunchFilter(
            since=params.since or info.context.clock.now(),
            until=params.until,
            provider=params.provider,
        )
        return await info.context.repositories.space.launches(
            which, cursor=params.cursor, limit=params.limit
        )

    @resolves(SourceStatus, many=True)
    async def sources(self, info: Info) -> list[SourceStatus]:
        """The state of every source."""
        return await info.context.sources.known()
