"""`/api/v1/space/apod`: the Astronomy Picture of the Day."""

from http import HTTPStatus

from aiohttp import web
from pydantic import Field

from libs.common.events import ApodEvent
from services.gateway.api.cached import (
    Days,
    PageParams,
    cached,
    feed_ready,
    send_cached,
)
from services.gateway.cache import Kind
from services.gateway.feeds.news import picture_entry
from services.gateway.keys import REPOSITORIES
from services.gateway.models.space import Picture, PicturesPage
from services.gateway.prepared import PreparedAnswer
from services.gateway.routing import ATOM, Day, Params, Route

PICTURES = Kind("space_apod", fresh_s=86_400.0, changed_by=frozenset({ApodEvent.TYPE}))
_CACHE = "24 hours, or until the next picture comes"
_AWAY = (HTTPStatus.SERVICE_UNAVAILABLE,)
FEED_LENGTH = 30


class PicturesParams(PageParams, Days):
    """A page of pictures."""


class PictureParams(Params):
    """Which picture."""

    day: Day = Field(examples=["2026-03-01"])


async def pictures(app: web.Application, params: PicturesParams) -> PicturesPage:
    """Return Astronomy Pictures of the Day, the newest first."""
    found = await app[REPOSITORIES].space.pictures(
        since=params.since, until=params.until, cursor=params.cursor, limit=params.limit
    )
    return PicturesPage(items=found.items, next=found.next)


async def picture(app: web.Application, params: PictureParams) -> Picture | None:
    """Return the picture of one day."""
    return await app[REPOSITORIES].space.picture(params.day)


async def feed(request: web.Request, params: Params) -> web.StreamResponse:
    """Answer the last pictures as a feed."""

    async def make() -> PreparedAnswer:
        found = await request.app[REPOSITORIES].space.pictures(limit=FEED_LENGTH)
        entries = [picture_entry(one) for one in found.items]
        return feed_ready(request, params, "Astronomy Picture of the Day", entries, found.items)

    return await send_cached(request, PICTURES, params, make)


ROUTES = (
    Route(
        path="/api/v1/space/apod",
        handler=cached(PICTURES, pictures),
        summary="NASA's Astronomy Pictures of the Day, the newest first.",
        tag="space",
        params=PicturesParams,
        answer=PicturesPage,
        graph={"pictures": pictures},
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/space/apod.atom",
        handler=feed,
        summary="The last pictures, as an Atom feed.",
        tag="space",
        media=ATOM,
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/space/apod/{day}",
        handler=cached(PICTURES, picture),
        summary="The picture of one day.",
        tag="space",
        params=PictureParams,
        answer=Picture,
        graph={"picture": picture},
        problems=(HTTPStatus.NOT_FOUND, *_AWAY),
        cache=_CACHE,
    ),
)
