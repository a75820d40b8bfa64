"""`/api/v1/space/cmes`: coronal mass ejections."""

from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from pydantic import Field

from libs.common.events import CoronalMassEjectionEvent
from services.gateway.api.cached import (
    PageParams,
    Window,
    cached,
    feed_ready,
    send_cached,
)
from services.gateway.cache import Kind
from services.gateway.feeds.news import ejection_entry
from services.gateway.keys import REPOSITORIES
from services.gateway.models.space import Ejection, EjectionsPage
from services.gateway.prepared import PreparedAnswer
from services.gateway.routing import ATOM, Params, Route, Text

EJECTIONS = Kind(
    "space_cmes", fresh_s=3_600.0, changed_by=frozenset({CoronalMassEjectionEvent.TYPE})
)
_CACHE = "1 hour, or until the list changes"
_AWAY = (HTTPStatus.SERVICE_UNAVAILABLE,)
FEED_LENGTH = 50


class EjectionFilter(Params):
    """Which ejections."""

    min_speed_km_s: Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)] | None = Field(
        default=None, description="At 21.5 solar radii."
    )


class EjectionsParams(PageParams, Window, EjectionFilter):
    """A page of ejections."""


class EjectionParams(Params):
    """Which ejection."""

    cme_id: Text = Field(examples=["2026-03-01T12:00:00-CME-001"])


async def ejections(app: web.Application, params: EjectionsParams) -> EjectionsPage:
    """Return coronal mass ejections, the newest first."""
    found = await app[REPOSITORIES].space.ejections(
        since=params.since,
        until=params.until,
        min_speed_km_s=params.min_speed_km_s,
        cursor=params.cursor,
        limit=params.limit,
    )
    return EjectionsPage(items=found.items, next=found.next)


async def ejection(app: web.Application, params: EjectionParams) -> Ejection | None:
    """Return one coronal mass ejection."""
    return await app[REPOSITORIES].space.ejection(params.cme_id)


async def feed(request: web.Request, params: EjectionFilter) -> web.StreamResponse:
    """Answer the last ejections as a feed."""

    async def make() -> PreparedAnswer:
        found = await request.app[REPOSITORIES].space.ejections(
            min_speed_km_s=params.min_speed_km_s, limit=FEED_LENGTH
        )
        entries = [ejection_entry(one) for one in found.items]
        return feed_ready(request, params, "Coronal mass ejections", entries, found.items)

    return await send_cached(request, EJECTIONS, params, make)


ROUTES = (
    Route(
        path="/api/v1/space/cmes",
        handler=cached(EJECTIONS, ejections),
        summary="Coronal mass ejections, the newest first.",
        tag="space",
        params=EjectionsParams,
        answer=EjectionsPage,
        graph={"ejections": ejections},
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/space/cmes.atom",
        handler=feed,
        summary="The last ejections, as an Atom feed.",
        tag="space",
        params=EjectionFilter,
        media=ATOM,
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/space/cmes/{cme_id}",
        handler=cached(EJECTIONS, ejection),
        summary="One ejection.",
        tag="space",
        params=EjectionParams,
        answer=Ejection,
        graph={"ejection": ejection},
        problems=(HTTPStatus.NOT_FOUND, *_AWAY),
        cache=_CACHE,
    ),
)
