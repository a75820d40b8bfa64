"""`/api/v1/space/neo`: asteroids that pass by."""

from http import HTTPStatus

from aiohttp import web
from pydantic import Field

from libs.common.events import NearEarthObjectEvent
from services.gateway.api.cached import Days, PageParams, cached
from services.gateway.cache import Kind
from services.gateway.keys import REPOSITORIES
from services.gateway.models.space import ApproachesPage
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


async def approaches(app: web.Application, params: ApproachesParams) -> ApproachesPage:
    """Return passages of asteroids, the latest first."""
    found = await app[REPOSITORIES].space.approaches(
        since=params.since,
        until=params.until,
        hazardous=params.hazardous,
        cursor=params.cursor,
        limit=params.limit,
    )
    return ApproachesPage(items=found.items, next=found.next)


async def asteroid(app: web.Application, params: AsteroidParams) -> ApproachesPage | None:
    """Return the passages of one asteroid, the latest first."""
    found = await app[REPOSITORIES].space.approaches(
        neo_id=params.neo_id, cursor=params.cursor, limit=params.limit
    )
    if not found.items and params.cursor is None:
        return None
    return ApproachesPage(items=found.items, next=found.next)


ROUTES = (
    Route(
        path="/api/v1/space/neo",
        handler=cached(APPROACHES, approaches),
        summary="Asteroids that pass by, the latest passage first.",
        tag="space",
        params=ApproachesParams,
        answer=ApproachesPage,
        graph={"approaches": approaches},
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/space/neo/{neo_id}",
        handler=cached(APPROACHES, asteroid),
        summary="The passages of one asteroid.",
        tag="space",
        params=AsteroidParams,
        answer=ApproachesPage,
        graph={"asteroid_approaches": asteroid},
        problems=(HTTPStatus.NOT_FOUND, *_AWAY),
        cache=_CACHE,
    ),
)
