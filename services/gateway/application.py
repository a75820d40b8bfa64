"""The HTTP application: the route table, and a front before each of its handlers."""

from aiohttp import web

from services.gateway import compatibility, pages
from services.gateway.api import (
    astro,
    dashboard,
    description,
    events,
    graphql,
    health,
    iss,
    jwst,
    osdr,
    predictions,
    sources,
    space,
    system,
)
from services.gateway.fastlane import FAST_LANE, FastLane
from services.gateway.front import ELSEWHERE, ElsewhereFront, Front, elsewhere
from services.gateway.keys import COMMON_HEADERS
from services.gateway.routing import OldParams, Route

_RESOURCES: tuple[Route, ...] = (
    *iss.ROUTES,
    *predictions.ROUTES,
    *osdr.ROUTES,
    *jwst.ROUTES,
    *astro.ROUTES,
    *space.ROUTES,
    *events.ROUTES,
    *sources.ROUTES,
    *dashboard.ROUTES,
    *system.ROUTES,
)
_TABLE = (
    *_RESOURCES,
    *graphql.routes(_RESOURCES),
    *health.ROUTES,
    *compatibility.ROUTES,
    *pages.ROUTES,
)
ROUTES = (*_TABLE, *description.routes(_TABLE))
_ELSEWHERE = Route(
    path="unmatched", handler=elsewhere, summary="Everything else.", tag="", params=OldParams
)


def add_routes(application: web.Application) -> None:
    """Add the route table to an application that holds its state already."""
    router = application.router
    for route in ROUTES:
        front = Front(route, application)
        methods = (route.method, "HEAD") if route.has_head else (route.method,)
        for method in methods:
            router.add_route(method, route.path, front.answer, expect_handler=front.expect)
    # After all others, because the first match answers.
    rest = ElsewhereFront(_ELSEWHERE, application)
    router.add_route("*", ELSEWHERE, rest.answer, expect_handler=rest.expect)
    application[FAST_LANE] = FastLane(ROUTES, application)
    application.on_response_prepare.append(application[COMMON_HEADERS].on_prepare)
