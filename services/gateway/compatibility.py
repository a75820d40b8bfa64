"""The paths of the earlier systems, with their names, types and null behaviour.

They ignore parameters that they do not know, as the old servers did.
"""

from typing import Any

from aiohttp import web

from libs.common.clock import iso
from libs.common.commands import request_refresh
from services.gateway.answers import send_model, send_ready
from services.gateway.keys import CLOCK, LATEST, PUBLISHER, SETTINGS
from services.gateway.trend import trend_of


async def health(request: web.Request) -> web.Response:
    """Answer that the server turns, and its time."""
    return web.json_response({"status": "ok", "now": iso(request.app[CLOCK].now())})


async def last(request: web.Request) -> web.Response:
    """Answer the newest position with the upstream's body."""
    ready = request.app[LATEST].legacy
    if ready is None:
        return web.json_response({"message": "no data"})
    return send_ready(request, ready, request.app[CLOCK].now())


async def fetch(request: web.Request) -> web.Response:
    """Have the position polled now, as far as the upstream's limit allows, then answer it."""
    app = request.app
    asked = app[CLOCK].now()
    await request_refresh(app[PUBLISHER], "iss", app[CLOCK])
    await app[LATEST].fetched_after(asked, app[SETTINGS].refresh_wait_seconds)
    return await last(request)


async def trend(request: web.Request) -> web.Response:
    """Answer the movement between the last two fixes."""
    return send_model(trend_of(request.app[LATEST].recent(2)))


def routes() -> list[Any]:
    """Return the old paths."""
    return [
        web.get("/health", health),
        web.get("/last", last),
        web.get("/fetch", fetch),
        web.get("/iss/trend", trend),
    ]
