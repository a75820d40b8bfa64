"""The HTTP application: routes and middlewares."""

from aiohttp import web

from services.gateway import compatibility
from services.gateway.api import events, health, iss, sources
from services.gateway.middlewares.observe import add_common_headers, observe
from services.gateway.middlewares.problems import problems


def create_application() -> web.Application:
    """Return the application without its state, which bootstrap puts in."""
    application = web.Application(middlewares=[observe, problems])
    for resource in (health, iss, events, sources, compatibility):
        application.add_routes(resource.routes())
    application.on_response_prepare.append(add_common_headers)
    return application
