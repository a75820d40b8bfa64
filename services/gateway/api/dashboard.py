"""`/api/v1/dashboard`: what a dashboard shows first, from memory."""

from aiohttp import web

from services.gateway.answers import send_ready
from services.gateway.keys import CLOCK, DASHBOARD, SEEN_SOURCES
from services.gateway.models.dashboard import Dashboard
from services.gateway.routing import OldParams, Route


async def dashboard(request: web.Request, _: OldParams) -> web.StreamResponse:
    """Answer the newest state of everything."""
    app = request.app
    sources = await app[SEEN_SOURCES].all()
    now = app[CLOCK].now()
    ready = app[DASHBOARD].at(now, (sources[name] for name in sorted(sources)))
    # Without the broker no part can become newer, so the whole answer is marked stale.
    return send_ready(request, ready, now, app[SEEN_SOURCES].staleness())


ROUTES = (
    Route(
        path="/api/v1/dashboard",
        handler=dashboard,
        summary="The newest state of everything, in one answer.",
        tag="dashboard",
        params=OldParams,
        answer=Dashboard,
    ),
)
