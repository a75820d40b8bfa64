"""`/api/v1/space/flares`: solar flares."""

from http import HTTPStatus
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from libs.common.events import SolarFlareEvent
from services.gateway.api.cached import (
    PageParams,
    Window,
    cached,
    feed_ready,
    send_cached,
)
from services.gateway.cache import Kind
from services.gateway.feeds.news import flare_entry
from services.gateway.keys import REPOSITORIES
from services.gateway.models.space import Flare, FlaresPage
from services.gateway.ready import Ready
from services.gateway.routing import ATOM, Params, Route, Text

FLARES = Kind("space_flares", fresh_s=3_600.0, changed_by=frozenset({SolarFlareEvent.TYPE}))
_CACHE = "1 hour, or until the list changes"
_AWAY = (HTTPStatus.SERVICE_UNAVAILABLE,)
FEED_LENGTH = 50
# X-ray flux at which each class begins (A1, B1, ...), in W/m2.
_FLUX = {"A": 1e-8, "B": 1e-7, "C": 1e-6, "M": 1e-5, "X": 1e-4}
# Stored fluxes are computed from the class: a rounding error must not exclude the limit itself.
_TOLERANCE = 1 - 1e-9


class FlareFilter(Params):
    """Which flares."""

    letter: Literal["A", "B", "C", "M", "X"] | None = Field(
        default=None, alias="class", description="Only flares of this class."
    )
    min_class: (
        Annotated[str, StringConstraints(pattern=r"^[ABCMX][0-9]{1,2}(\.[0-9])?$")] | None
    ) = Field(default=None, description="Only flares as strong as this.", examples=["M1.5"])

    @property
    def min_flux_w_m2(self) -> float | None:
        """The flux that `min_class` stands for."""
        if self.min_class is None:
            return None
        return _FLUX[self.min_class[0]] * float(self.min_class[1:]) * _TOLERANCE


class FlaresParams(PageParams, Window, FlareFilter):
    """A page of flares."""


class FlareParams(Params):
    """Which flare."""

    flare_id: Text = Field(examples=["2026-03-01T12:00:00-FLR-001"])


async def flares(app: web.Application, params: FlaresParams) -> FlaresPage:
    """Return solar flares, the newest first."""
    found = await app[REPOSITORIES].space.flares(
        since=params.since,
        until=params.until,
        letter=params.letter,
        min_flux_w_m2=params.min_flux_w_m2,
        cursor=params.cursor,
        limit=params.limit,
    )
    return FlaresPage(items=found.items, next=found.next)


async def flare(app: web.Application, params: FlareParams) -> Flare | None:
    """Return one solar flare."""
    return await app[REPOSITORIES].space.flare(params.flare_id)


async def feed(request: web.Request, params: FlareFilter) -> web.StreamResponse:
    """Answer the last flares as a feed."""

    async def make() -> Ready:
        found = await request.app[REPOSITORIES].space.flares(
            letter=params.letter, min_flux_w_m2=params.min_flux_w_m2, limit=FEED_LENGTH
        )
        entries = [flare_entry(one) for one in found.items]
        return feed_ready(request, params, "Solar flares", entries, found.items)

    return await send_cached(request, FLARES, params, make)


ROUTES = (
    Route(
        path="/api/v1/space/flares",
        handler=cached(FLARES, flares),
        summary="Solar flares, the newest first.",
        tag="space",
        params=FlaresParams,
        answer=FlaresPage,
        graph={"flares": flares},
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/space/flares.atom",
        handler=feed,
        summary="The last flares, as an Atom feed.",
        tag="space",
        params=FlareFilter,
        media=ATOM,
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/space/flares/{flare_id}",
        handler=cached(FLARES, flare),
        summary="One flare.",
        tag="space",
        params=FlareParams,
        answer=Flare,
        graph={"flare": flare},
        problems=(HTTPStatus.NOT_FOUND, *_AWAY),
        cache=_CACHE,
    ),
)
