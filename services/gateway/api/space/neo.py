"""`/api/v1/space/neo`: asteroids that pass by."""

from http import HTTPStatus

from aiohttp import web
from pydantic import Field

from libs.common.events import NearEarthObjectEvent
from services.gateway.api.cached import Days, PageParams, page_ready, send_cached
from services.gateway.cache import Kind
from services.gateway.keys import REPOSITORIES
from services.gateway.models.space import ApproachesPage
from services.gateway.ready import Ready
from services.gateway.routing import Route, Text

APPROACHES = Kind("space_neo", fresh_s=7_200.0, changed_by=frozenset({NearEarthObjectEvent.TYPE}))
_CACHE = "2 hours, or until the list changes"
_AWAY = (HTTPStatus.SERVICE_UNAVAILABLE,)


class ApproachesParams(PageParams, Days):
    """A page of passages."""

    hazardous: bool | None = Field(
        default=None, description="Only those that are, or are not, potentially hazardous."
    )


class AsteroidParams(PageParams):
    """A page of the passages of one asteroid."""

    neo_id: Text = Field(examples=["3542519"])


async def approaches(request: web.Request, params: ApproachesParams) -> web.StreamResponse:
    """Answer a page of passages."""

    async def make() -> Ready:
        found = await request.app[REPOSITORIES].space.approaches(
            since=params.since,
            until=params.until,
            hazardous=params.hazardous,
            cursor=params.cursor,
            limit=params.limit,
        )
        return page_ready(request, ApproachesPage(items=found.items, next=found.next), found.items)

    return await send_cached(request, APPROACHES, params, make)


async def asteroid(request: web.Request, params: AsteroidParams) -> web.StreamResponse:
    """Answer the passages of one asteroid."""

    async def make() -> Ready | None:
        found = await request.app[REPOSITORIES].space.approaches(
            neo_id=params.neo_id, cursor=params.cursor, limit=params.limit
        )
        if not found.items and params.cursor is None:
            return None
        return page_ready(request, ApproachesPage(items=found.items, next=found.next), found.items)

    return await send_cached(request, APPROACHES, params, make)


ROUTES = (
    Route(
        path="/api/v1/space/neo",
        handler=approaches,
        summary="Asteroids that pass by, the latest passage first.",
        tag="space",
        params=ApproachesParams,
        answer=ApproachesPage,
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/space/neo/{neo_id}",
        handler=asteroid,
        summary="The passages of one asteroid.",
        tag="space",
        params=AsteroidParams,
        answer=ApproachesPage,
        problems=(HTTPStatus.NOT_FOUND, *_AWAY),
        cache=_CACHE,
    ),
)
