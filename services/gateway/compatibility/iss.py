"""The station: `/health`, `/last`, `/fetch`, `/iss/trend`, and the same under other paths."""

from aiohttp import web

from services.gateway.answers import send_model, send_ready
from services.gateway.compatibility.lenient import TAG
from services.gateway.compatibility.refreshing import TRIGGER_PROBLEMS, allow
from services.gateway.keys import CLOCK, LATEST, TRIGGERS
from services.gateway.models.old import NoData, OldFix, OldHealth
from services.gateway.routing import OldParams, Route
from services.gateway.trend import Trend, trend_of
from services.gateway.triggers import POSITIONS


async def health(request: web.Request, _: OldParams) -> web.StreamResponse:
    """Answer that the server runs, and its time."""
    return send_model(request, OldHealth(status="ok", now=request.app[CLOCK].now()))


async def last(request: web.Request, _: OldParams) -> web.StreamResponse:
    """Answer the newest position with the upstream's body."""
    ready = request.app[LATEST].iss.legacy
    if ready is None:
        return send_model(request, NoData(message="no data"))
    return send_ready(request, ready, request.app[CLOCK].now())


async def fetch(request: web.Request, params: OldParams) -> web.StreamResponse:
    """Have the position polled now, as far as the upstream's limit allows, then answer it."""
    allow(request)
    await request.app[TRIGGERS].refresh(POSITIONS)
    return await last(request, params)


async def trend(request: web.Request, _: OldParams) -> web.StreamResponse:
    """Answer the movement between the last two fixes."""
    return send_model(request, trend_of(request.app[LATEST].iss.recent(2)))


def _last(path: str) -> Route:
    return Route(
        path=path,
        handler=last,
        summary="The newest position as its upstream sent it.",
        tag=TAG,
        params=OldParams,
        answer=OldFix | NoData,
        deprecated=True,
    )


def _trend(path: str) -> Route:
    return Route(
        path=path,
        handler=trend,
        summary="The movement between the last two fixes.",
        tag=TAG,
        params=OldParams,
        answer=Trend,
        deprecated=True,
    )


ROUTES = (
    Route(
        path="/health",
        handler=health,
        summary="Whether the server turns, and its time.",
        tag=TAG,
        params=OldParams,
        answer=OldHealth,
        cost=0,
        deprecated=True,
    ),
    Route(
        path="/fetch",
        handler=fetch,
        summary="Has the position polled, then answers as `/last`.",
        tag=TAG,
        params=OldParams,
        answer=OldFix | NoData,
        problems=TRIGGER_PROBLEMS,
        cost=5,
        deprecated=True,
    ),
    _last("/last"),
    _last("/api/iss/last"),
    _last("/api/v1/iss/last"),
    _trend("/iss/trend"),
    _trend("/api/iss/trend"),
)
