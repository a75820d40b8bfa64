"""Turns every error into a problem document."""

from http import HTTPStatus

from aiohttp import web

from libs.common.database import TRANSIENT_ERRORS
from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger
from services.gateway.middlewares.observe import REQUEST_ID
from services.gateway.problems import ProblemError, Slug, problem_response, unavailable

_log = get_logger(__name__)

# Errors that aiohttp raises itself; every other one of them is a bad request.
_SLUGS = {
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: Slug.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.INTERNAL_SERVER_ERROR: Slug.INTERNAL,
}


def answer_to(error: Exception, request: web.Request) -> web.StreamResponse:
    """Answer an error as RFC 9457 says; one that was not foreseen is logged, not shown."""
    if isinstance(error, ProblemError):
        problem = error
    elif isinstance(error, web.HTTPException):
        if error.status < HTTPStatus.BAD_REQUEST:
            # aiohttp raises redirections as exceptions too.
            return web.Response(status=error.status, headers=error.headers)
        problem = _of_http(error)
    elif isinstance(error, (*TRANSIENT_ERRORS, DependencyUnavailableError)):
        _log.warning("dependency_away", path=request.path, reason=str(error))
        problem = unavailable("a server that this answer needs does not respond")
    else:
        _log.error(
            "request_failed", path=request.path, request_id=request[REQUEST_ID], exc_info=error
        )
        problem = ProblemError(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            Slug.INTERNAL,
            "this is a fault of ours; the log has it under the request id",
        )
    return problem_response(problem, request.path, request[REQUEST_ID])


def _of_http(error: web.HTTPException) -> ProblemError:
    status = HTTPStatus(error.status)
    return ProblemError(status, _SLUGS.get(status, Slug.BAD_REQUEST), error.reason)
