"""Preflights: a browser asks whether a page of another origin may send a request."""

from collections.abc import Iterable

from aiohttp import hdrs, web

from services.gateway.middlewares.headers import CommonHeaders

_HEADERS = "Authorization, Content-Type, If-None-Match, Last-Event-ID, X-API-Key, X-Request-Id"
# Two hours, the longest that Chromium keeps the answer to a preflight.
_MAX_AGE_S = 7_200


def is_preflight(request: web.Request, common: CommonHeaders) -> bool:
    """Whether a request is a preflight, and the settings allow any origin at all."""
    return (
        request.method == hdrs.METH_OPTIONS
        and bool(common.origins)
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
        and hdrs.ORIGIN in request.headers
    )


def answer_preflight(methods: Iterable[str]) -> web.Response:
    """Answer a preflight; the common headers say, as on every answer, if its origin is allowed."""
    return web.Response(
        status=204,
        headers={
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: ", ".join(sorted(methods)),
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: _HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: str(_MAX_AGE_S),
        },
    )
