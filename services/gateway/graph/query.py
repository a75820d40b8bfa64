"""What can be asked: the resources of the API, under the names that GraphQL gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast, get_args

import strawberry

from libs.common.clock import Clock
from libs.common.events import AstroKind, Instrument, IssPositionEvent
from libs.common.questions import LONGEST_WINDOW
from libs.common.sources import SourceStatus
from services.gateway.cursor import InvalidCursorError
from services.gateway.graph.arguments import QueryError
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
from services.gateway.models.told import Page
from services.gateway.positions import Position
from services.gateway.repositories import Repositories
from services.gateway.repositories.datasets import DatasetFilter, DatasetOrder
from services.gateway.repositories.images import ImageFilter
from services.gateway.repositories.reading import Slice
from services.gateway.repositories.space import LaunchFilter
from services.gateway.sources_seen import SeenSources

MAX_LIMIT = 200
SKY_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class GraphContext:
    """What resolvers use."""

    repositories: Repositories
    sources: SeenSources
    clock: Clock
    newest: IssPositionEvent | None


class PositionsPage(Page):
    """Positions of the station."""

    items: list[Position]


Info = strawberry.Info[GraphContext, None]


def _checked(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise QueryError(f"limit: expected 1 to {MAX_LIMIT}, got {limit}")
    return limit


def _instrument(name: str | None) -> Instrument | None:
    if name is None:
        return None
    for known in get_args(Instrument):
        if name == known:
            return cast("Instrument", known)
    raise QueryError(f"instrument: expected one of {', '.join(get_args(Instrument))}, got {name}")


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
        page = await info.context.repositories.positions.page(
            since=since, until=until, cursor=cursor, limit=_checked(limit)
        )
        items = [Position.of_event(row.event, row.stored_at) for row in page.items]
        return PositionsPage.model_construct(items=items, next=page.next)

    @resolves(ElementsPage)
    async def elements(
        self, info: Info, limit: int = 50, cursor: str | None = None
    ) -> Slice[ElementSet]:
        """Orbital elements of the station, the newest first."""
        return await info.context.repositories.positions.elements(
            cursor=cursor, limit=_checked(limit)
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
        which = DatasetFilter(
            words=q,
            organism=organism,
            assay=assay,
            project_type=project_type,
            program=program,
        )
        page = await datasets.page(which, order=sort, cursor=cursor, limit=_checked(limit))
        return DatasetsPage.model_construct(
            items=page.items, next=page.next, total=await datasets.count(which)
        )

    @resolves(Dataset, nullable=True)
    async def dataset(self, info: Info, accession: str) -> Dataset | None:
        """One dataset; null where there is none of that accession."""
        return await info.context.repositories.datasets.one(accession)

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
        which = ImageFilter(
            words=q,
            program=program,
            instrument=_instrument(instrument),
            suffix=suffix,
            since=since,
            until=until,
        )
        page = await images.page(which, cursor=cursor, limit=_checked(limit))
        return ImagesPage.model_construct(
            items=page.items, next=page.next, total=await images.count(which)
        )

    @resolves(Image, nullable=True)
    async def image(self, info: Info, image_id: str) -> Image | None:
        """One image; null where there is none of that name."""
        return await info.context.repositories.images.one(image_id)

    @resolves(SkyEvent, many=True)
    async def sky_events(
        self,
        info: Info,
        since: datetime | None = None,
        until: datetime | None = None,
        types: list[graph_enum(AstroKind)] | None = None,  # type: ignore[valid-type]
    ) -> list[SkyEvent]:
        """What happens in the sky for the whole Earth: of 30 days, unless told otherwise."""
        since = since or info.context.clock.now()
        until = until or since + SKY_WINDOW
        if not timedelta(0) <= until - since <= LONGEST_WINDOW:
            raise QueryError(f"until: expected after since by at most {LONGEST_WINDOW.days} days")
        kinds: Sequence[AstroKind] | None = types
        return await info.context.repositories.astro.global_events(since, until, kinds)

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
        return await info.context.repositories.space.pictures(
            since=since, until=until, cursor=cursor, limit=_checked(limit)
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
        return await info.context.repositories.space.approaches(
            since=since, until=until, hazardous=hazardous, cursor=cursor, limit=_checked(limit)
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
        return await info.context.repositories.space.flares(
            since=since, until=until, cursor=cursor, limit=_checked(limit)
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
        return await info.context.repositories.space.ejections(
            since=since, until=until, cursor=cursor, limit=_checked(limit)
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
        which = LaunchFilter(
            since=since or info.context.clock.now(), until=until, provider=provider
        )
        return await info.context.repositories.space.launches(
            which, cursor=cursor, limit=_checked(limit)
        )

    @resolves(SourceStatus, many=True)
    async def sources(self, info: Info) -> list[SourceStatus]:
        """The state of every source."""
        return await info.context.sources.known()


# What a client did wrong, in words for it.
TOLD_TO_CLIENTS = (QueryError, InvalidCursorError)
