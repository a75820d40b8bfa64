"""`/api/v1/sources`: the state of every source, and of one."""

from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from libs.common.errors import DependencyUnavailableError
from libs.common.polling.refreshing import request_refresh
from libs.common.polling.sources import SourceStatus
from services.gateway.answers import send_model
from services.gateway.keys import CLOCK, PUBLISHER, SEEN_SOURCES
from services.gateway.problems import ProblemError, Slug, unavailable
from services.gateway.routing import Params, Route, Scope


class SourceParams(Params):
    """Which source."""

    name: Annotated[str, Field(max_length=64)]


class SourcesPage(BaseModel):
    """All sources, by name."""

    items: list[SourceStatus]


class RefreshAccepted(BaseModel):
    """A request that was passed on; the limits of the upstream decide when the poll happens."""

    source: str
    requested_at: AwareDatetime
    watch: str = Field(
        description="Its `last_attempt` moves when the source has been polled.",
        examples=["/api/v1/sources/iss"],
    )
    events: str = Field(
        default="/api/v1/events", description="What the poll brings comes here as it is published."
    )


async def sources(app: web.Application, _: Params) -> SourcesPage:
    """Return the state of every source.

    Raises:
        ProblemError: 503: the broker is away, and has never answered this process.
    """
    try:
        return SourcesPage(items=await app[SEEN_SOURCES].known())
    except DependencyUnavailableError as error:
        raise unavailable(str(error)) from error


async def source(app: web.Application, params: SourceParams) -> SourceStatus | None:
    """Return the state of one source."""
    known = await sources(app, params)
    return next((status for status in known.items if status.name == params.name), None)


async def send_sources(request: web.Request, params: Params) -> web.StreamResponse:
    """Answer the state of every source."""
    page = await sources(request.app, params)
    return send_model(request, page, request.app[SEEN_SOURCES].staleness())


async def send_source(request: web.Request, params: SourceParams) -> web.StreamResponse:
    """Answer the state of one source."""
    status = await _named(request, params)
    return send_model(request, status, request.app[SEEN_SOURCES].staleness())


async def refresh(request: web.Request, params: SourceParams) -> web.StreamResponse:
    """Have a source polled before its time, as far as its limits allow."""
    app = request.app
    status = await _named(request, params)
    requested_at = app[CLOCK].now()
    await request_refresh(app[PUBLISHER], status.name, app[CLOCK])
    watch = f"/api/v1/sources/{status.name}"
    accepted = RefreshAccepted(source=status.name, requested_at=requested_at, watch=watch)
    return send_model(request, accepted, {"Location": watch}, HTTPStatus.ACCEPTED)


async def _named(request: web.Request, params: SourceParams) -> SourceStatus:
    status = await source(request.app, params)
    if status is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND,
            Slug.NOT_FOUND,
            f"no source is called {params.name}; /api/v1/sources lists them",
        )
    return status


ROUTES = (
    Route(
        path="/api/v1/sources",
        handler=send_sources,
        summary="The state of every source.",
        tag="sources",
        answer=SourcesPage,
        graph={"sources": sources},
        problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
    ),
    Route(
        path="/api/v1/sources/{name}",
        handler=send_source,
        summary="The state of one source.",
        tag="sources",
        params=SourceParams,
        answer=SourceStatus,
        graph={"source": source},
        problems=(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    ),
    Route(
        path="/api/v1/sources/{name}/refresh",
        method="POST",
        handler=refresh,
        summary="Has a source polled before its time.",
        tag="sources",
        params=SourceParams,
        answer=RefreshAccepted,
        status=HTTPStatus.ACCEPTED,
        problems=(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
        cost=5,
        scope=Scope.REFRESH,
    ),
)
