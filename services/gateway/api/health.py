"""`/health/...` for load balancers and supervisors, and `/`, which links to everything else."""

from http import HTTPStatus

from aiohttp import web

from services.gateway.keys import CHECKS
from services.gateway.routing import Params, Route

INDEX = {
    "name": "Cassiopeia",
    "links": {
        "position": "/api/v1/iss/position",
        "positions": "/api/v1/iss/positions",
        "trend": "/api/v1/iss/trend",
        "events": "/api/v1/events",
        "datasets": "/api/v1/osdr/datasets",
        "images": "/api/v1/jwst/images",
        "sky_events": "/api/v1/astro/events",
        "pictures": "/api/v1/space/apod",
        "near_earth_objects": "/api/v1/space/neo",
        "flares": "/api/v1/space/flares",
        "mass_ejections": "/api/v1/space/cmes",
        "launches": "/api/v1/space/launches",
        "graphql": "/graphql",
        "sources": "/api/v1/sources",
        "dashboard": "/api/v1/dashboard",
        "pages": "/dashboard",
        "docs": "/docs",
        "openapi": "/openapi.json",
        "health": "/health/ready",
    },
}


async def index(request: web.Request, _: Params) -> web.Response:
    """Answer links to the resources; send a browser to the dashboard."""
    headers = {"Vary": "Accept"}
    if "text/html" in request.headers.get("Accept", ""):
        return web.Response(status=HTTPStatus.FOUND, headers={**headers, "Location": "/dashboard"})
    return web.json_response(INDEX, headers=headers)


async def live(_request: web.Request, _: Params) -> web.Response:
    """Answer that this process runs; asks no server."""
    return web.json_response({"live": True})


async def ready(request: web.Request, _: Params) -> web.Response:
    """Answer whether this process can serve."""
    verdicts = await request.app[CHECKS].verdicts()
    is_ready = all(verdict == "ok" for verdict in verdicts.values())
    return web.json_response(
        {"ready": is_ready, "checks": verdicts}, status=200 if is_ready else 503
    )


ROUTES = (
    Route(path="/", handler=index, summary="What there is.", tag="health", answer=dict),
    Route(
        path="/health/live",
        handler=live,
        summary="Whether this process turns; asks no server.",
        tag="health",
        answer=dict,
        cost=0,
    ),
    Route(
        path="/health/ready",
        handler=ready,
        summary="Whether this process can serve, and what is missing.",
        tag="health",
        answer=dict,
        problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
        cost=0,
    ),
)
