"""`/openapi.json` and `/docs`: the description of the API, made from the route table."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from aiohttp import web
from pydantic_core import to_json

from libs.common.version import VERSION
from services.gateway.answers import send_ready
from services.gateway.docs.openapi import document
from services.gateway.docs.page import page
from services.gateway.keys import CLOCK
from services.gateway.ready import Ready
from services.gateway.routing import HTML, Params, Route

_STYLE = Path(__file__).parent.parent / "docs" / "style.css"
TITLE = "Cassiopeia"
# The page loads one style sheet of the project, and runs no script.
_PAGE_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"


def routes(table: Sequence[Route]) -> tuple[Route, ...]:
    """Return the routes that describe a route table, themselves included."""
    began = datetime.now(UTC)

    @cache
    def described() -> Ready:
        return Ready.of(to_json(whole()), began)

    @cache
    def shown() -> Ready:
        return Ready.of(page(whole()).encode(), began, media=HTML, policy=_PAGE_POLICY)

    @cache
    def style() -> Ready:
        return Ready.of(_STYLE.read_bytes(), began, media="text/css; charset=utf-8")

    own = (
        Route(
            path="/openapi.json",
            handler=_sending(described),
            summary="This API, described for programs: OpenAPI 3.1.",
            tag="docs",
            answer=dict,
            cost=0,
        ),
        Route(
            path="/docs",
            handler=_sending(shown),
            summary="This API, described for people.",
            tag="docs",
            media=HTML,
            cost=0,
        ),
        Route(
            path="/docs/style.css",
            handler=_sending(style),
            summary="How that looks.",
            tag="docs",
            media="text/css; charset=utf-8",
            cost=0,
        ),
    )

    @cache
    def whole() -> dict[str, object]:
        return document((*table, *own), title=TITLE, version=VERSION)

    return own


def _sending(
    make: Callable[[], Ready],
) -> Callable[[web.Request, Params], Awaitable[web.StreamResponse]]:
    async def send(request: web.Request, _: Params) -> web.StreamResponse:
        return send_ready(request, make(), request.app[CLOCK].now())

    return send
