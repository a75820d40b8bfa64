"""`/health/...` for whoever stands in front, and `/`, the way to everything else."""

from typing import Any

from aiohttp import web

from libs.common.admin import run_checks
from services.gateway.keys import CHECKS

INDEX = {
    "name": "Cassiopeia",
    "links": {
        "position": "/api/v1/iss/position",
        "positions": "/api/v1/iss/positions",
        "trend": "/api/v1/iss/trend",
        "events": "/api/v1/events",
        "sources": "/api/v1/sources",
        "health": "/health/ready",
    },
}


async def index(_: web.Request) -> web.Response:
    """Answer what there is."""
    return web.json_response(INDEX)


async def live(_: web.Request) -> web.Response:
    """Answer that this process turns; asks no server."""
    return web.json_response({"live": True})


async def ready(request: web.Request) -> web.Response:
    """Answer whether this process can serve."""
    verdicts = await run_checks(request.app[CHECKS])
    is_ready = all(verdict == "ok" for verdict in verdicts.values())
    return web.json_response(
        {"ready": is_ready, "checks": verdicts}, status=200 if is_ready else 503
    )


def routes() -> list[Any]:
    """Return the routes of this resource."""
    return [
        web.get("/", index),
        web.get("/health/live", live),
        web.get("/health/ready", ready),
    ]
