"""JWST images: `/api/jwst/feed`."""

import re
from http import HTTPStatus
from typing import Annotated, get_args
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from libs.common.events import Instrument, JwstImageEvent
from services.gateway.api.cached import model_ready, send_cached
from services.gateway.cache import Kind
from services.gateway.compatibility.lenient import TAG, whole
from services.gateway.keys import REPOSITORIES
from services.gateway.models.feed import EVERYTHING, feed_of
from services.gateway.models.images import Image
from services.gateway.models.old import Feed
from services.gateway.ready import Ready
from services.gateway.repositories.old import FeedFilter
from services.gateway.routing import OldParams, Route

_MAX_PAGE = 100_000
# As long as the earlier systems kept it.
FEED = Kind("old_jwst_feed", fresh_s=900.0, changed_by=frozenset({JwstImageEvent.TYPE}))
_SUFFIX = re.compile(r"_?([a-z0-9-]{1,40})")
_PROGRAM = re.compile(r"0*([1-9][0-9]{0,4})")
_INSTRUMENTS: dict[str, Instrument] = {name.upper(): name for name in get_args(Instrument)}


class FeedParams(OldParams):
    """Which images."""

    source: str = Field(
        default="jpg", description="`jpg`, or `suffix` or `program` with their parameter."
    )
    suffix: str = Field(default="", description="Kind of product.", examples=["_i2d"])
    program: str = Field(default="", description="Observing program.", examples=["2731"])
    instrument: str = Field(default="", description="In any case.", examples=["NIRCAM"])
    page: Annotated[int, *whole(1, 1, _MAX_PAGE)] = 1
    per_page: Annotated[int, *whole(24, 1, 60)] = Field(default=24, alias="perPage")

    @property
    def path(self) -> str:
        """The path of jwstapi.com that this request stands for."""
        if self.source == "suffix" and self._suffix:
            return f"all/suffix/{self._suffix}"
        if self.source == "program" and self.program:
            return f"program/id/{quote(self.program, safe='')}"
        return EVERYTHING

    @property
    def _suffix(self) -> str:
        return self.suffix.lstrip("/")

    def filter(self) -> FeedFilter | None:
        """Return the filter; None if no image can match."""
        program = suffix = instrument = None
        if self.path != EVERYTHING and self.source == "suffix":
            match = _SUFFIX.fullmatch(self._suffix.lower())
            if match is None:
                return None
            suffix = f"_{match[1]}"
        elif self.path != EVERYTHING:
            match = _PROGRAM.fullmatch(self.program)
            if match is None:
                return None
            program = int(match[1])
        if self.instrument:
            instrument = _INSTRUMENTS.get(self.instrument.strip().upper())
            if instrument is None:
                return None
        return FeedFilter(program=program, suffix=suffix, instrument=instrument)


async def feed(request: web.Request, params: FeedParams) -> web.StreamResponse:
    """Answer a page of images."""

    async def make() -> Ready:
        which = params.filter()
        images: list[Image] = []
        if which is not None:
            old = request.app[REPOSITORIES].old
            images = await old.images(which, page=params.page, limit=params.per_page)
        return model_ready(request, feed_of(params.path, images))

    return await send_cached(request, FEED, params, make)


def _feed(path: str) -> Route:
    return Route(
        path=path,
        handler=feed,
        summary="JWST images by pages, the newest first.",
        tag=TAG,
        params=FeedParams,
        answer=Feed,
        problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
        cache="15 minutes, or until an image comes",
        deprecated=True,
    )


ROUTES = (_feed("/api/jwst/feed"), _feed("/api/v1/jwst/feed"))
