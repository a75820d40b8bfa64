"""`/api/v1/sources`: the state of every source."""

from typing import Any

from aiohttp import web
from pydantic import BaseModel
from redis.exceptions import RedisError

from libs.common.sources import SourceStatus
from services.gateway.answers import send_model
from services.gateway.keys import CLOCK, SOURCES
from services.gateway.problems import unavailable


class SourcesPage(BaseModel):
    """All sources, by name."""

    items: list[SourceStatus]


async def sources(request: web.Request) -> web.Response:
    """Answer the state of every source."""
    try:
        statuses = await request.app[SOURCES].all()
    except RedisError as error:
        raise unavailable("the broker, which knows the sources, does not respond") from error
    now = request.app[CLOCK].now()
    return send_model(SourcesPage(items=[status.as_of(now) for status in statuses]))


def routes() -> list[Any]:
    """Return the routes of this resource."""
    return [web.get("/api/v1/sources", sources)]
