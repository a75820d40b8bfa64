"""`/api/v1/sources`: the state of every source, and of one."""

from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from redis.exceptions import RedisError

from libs.common.sources import SourceStatus
from services.gateway.answers import send_model
from services.gateway.keys import CLOCK, SOURCES
from services.gateway.problems import ProblemError, unavailable


class SourcesPage(BaseModel):
    """All sources, by name."""

    items: list[SourceStatus]


async def sources(request: web.Request) -> web.Response:
    """Answer the state of every source."""
    return send_model(SourcesPage(items=await _known(request)))


async def source(request: web.Request) -> web.Response:
    """Answer the state of one source."""
    name = request.match_info["name"]
    for status in await _known(request):
        if status.name == name:
            return send_model(status)
    raise ProblemError(
        HTTPStatus.NOT_FOUND, "not-found", f"no source is called {name}; /api/v1/sources lists them"
    )


async def _known(request: web.Request) -> list[SourceStatus]:
    try:
        statuses = await request.app[SOURCES].all()
    except RedisError as error:
        raise unavailable("the broker, which knows the sources, does not respond") from error
    now = request.app[CLOCK].now()
    return [status.as_of(now) for status in statuses]


def routes() -> list[Any]:
    """Return the routes of this resource."""
    return [
        web.get("/api/v1/sources", sources),
        web.get("/api/v1/sources/{name}", source),
    ]
