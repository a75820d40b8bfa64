"""Request ids, metrics and the canonical log line of a request."""

import re
import time
import uuid

from aiohttp import web
from aiohttp.typedefs import Handler

from libs.common import metrics
from libs.common.logging import get_logger

_log = get_logger("services.gateway.access")

REQUEST_ID = web.RequestKey("request_id", str)
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Asked every few seconds by machines; they would be most of the log.
_QUIET = ("/health", "/health/live", "/health/ready")


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, time it, count it, and log one line when it is over."""
    began = time.perf_counter()
    offered = request.headers.get("X-Request-Id", "")
    request_id = offered if _ACCEPTABLE_ID.fullmatch(offered) else uuid.uuid4().hex
    request[REQUEST_ID] = request_id
    resource = request.match_info.route.resource
    # The template, never the path: a label for every path that somebody tries is a leak.
    route = resource.canonical if resource else "unmatched"
    # What stands when the client goes away before there is an answer.
    status = 499
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        seconds = time.perf_counter() - began
        metrics.HTTP_REQUESTS.labels(route, request.method, str(status)).inc()
        metrics.HTTP_SECONDS.labels(route).observe(seconds)
        if request.path not in _QUIET:
            _log.info(
                "request",
                method=request.method,
                path=request.path,
                route=route,
                status=status,
                duration_ms=round(seconds * 1_000, 2),
                client=request.remote,
                request_id=request_id,
            )
    return response


async def add_common_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set what every answer has; connected to aiohttp's signal, so that errors have it too."""
    headers = response.headers
    headers["X-Request-Id"] = request.get(REQUEST_ID, "")
    # Nothing here is a page: a browser must neither guess a type nor run or frame anything.
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    headers["Referrer-Policy"] = "no-referrer"
    # The library's default tells its version and Python's.
    headers["Server"] = "cassiopeia"
