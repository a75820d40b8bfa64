"""`/api/v1/jwst/...`: images, and their thumbnails."""

from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from libs.common.events import Instrument, JwstImageEvent
from services.gateway.api.cached import (
    PageParams,
    Window,
    cached,
    feed_ready,
    send_cached,
)
from services.gateway.api.thumbnail import ImageParams, thumbnail
from services.gateway.cache import Kind
from services.gateway.feeds.news import image_entry
from services.gateway.keys import REPOSITORIES
from services.gateway.models.images import Image, ImagesPage
from services.gateway.ready import Ready
from services.gateway.repositories.images import ImageFilter
from services.gateway.routing import ATOM, Route, Text

IMAGES = Kind("jwst", fresh_s=900.0, changed_by=frozenset({JwstImageEvent.TYPE}))
_CACHE = "15 minutes, or until an image comes"
_AWAY = (HTTPStatus.SERVICE_UNAVAILABLE,)
_MISSING = (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
FEED_LENGTH = 50


class FilterParams(Window):
    """Which images; the window is one of their `time`."""

    q: Text | None = Field(default=None, description="Words, as in a search box.")
    program: Annotated[int, Field(ge=1, le=99_999)] | None = Field(default=None, examples=[2731])
    instrument: Instrument | None = None
    suffix: Annotated[str, StringConstraints(pattern=r"^_[a-z0-9-]{1,40}$")] | None = Field(
        default=None, description="Kind of product.", examples=["_i2d"]
    )

    @property
    def which(self) -> ImageFilter:
        """The filter in the form that the repository takes."""
        return ImageFilter(
            words=self.q,
            program=self.program,
            instrument=self.instrument,
            suffix=self.suffix,
            since=self.since,
            until=self.until,
        )


class ImagesParams(PageParams, FilterParams):
    """A page of images."""


async def images(app: web.Application, params: ImagesParams) -> ImagesPage:
    """Return JWST images, the newest first."""
    repository = app[REPOSITORIES].images
    found = await repository.page(params.which, cursor=params.cursor, limit=params.limit)
    total = await repository.count(params.which)
    return ImagesPage(items=found.items, next=found.next, total=total)


async def image(app: web.Application, params: ImageParams) -> Image | None:
    """Return one JWST image."""
    return await app[REPOSITORIES].images.one(params.image_id)


async def feed(request: web.Request, params: FilterParams) -> web.StreamResponse:
    """Answer the newest images as a feed."""

    async def make() -> Ready:
        found = await request.app[REPOSITORIES].images.page(params.which, limit=FEED_LENGTH)
        entries = [image_entry(one) for one in found.items]
        return feed_ready(request, params, "JWST images", entries, found.items)

    return await send_cached(request, IMAGES, params, make)


ROUTES = (
    Route(
        path="/api/v1/jwst/images",
        handler=cached(IMAGES, images),
        summary="JWST images, the newest first.",
        tag="jwst",
        params=ImagesParams,
        answer=ImagesPage,
        graph={"images": images},
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/jwst/images.atom",
        handler=feed,
        summary="The newest images, as an Atom feed.",
        tag="jwst",
        params=FilterParams,
        media=ATOM,
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/jwst/images/{image_id}",
        handler=cached(IMAGES, image),
        summary="One image.",
        tag="jwst",
        params=ImageParams,
        answer=Image,
        graph={"image": image},
        problems=_MISSING,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/jwst/images/{image_id}/thumbnail",
        handler=thumbnail,
        summary="The preview of an image: JPEG, PNG, GIF or WebP.",
        tag="jwst",
        params=ImageParams,
        media="image/*",
        problems=(*_MISSING, HTTPStatus.BAD_GATEWAY),
        cache="a year: it never changes",
    ),
)
