"""Turns every error into a problem document."""

from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from libs.common.database import TRANSIENT_ERRORS
from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger
from services.gateway.middlewares.observe import REQUEST_ID
from services.gateway.problems import ProblemError, problem_response, unavailable

_log = get_logger(__name__)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors as RFC 9457 has it; what was not foreseen is logged and says nothing."""
    try:
        return await handler(request)
    except ProblemError as error:
        problem = error
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        problem = _of_http(error)
    except (*TRANSIENT_ERRORS, DependencyUnavailableError) as error:
        _log.warning("dependency_away", path=request.path, reason=str(error))
        problem = unavailable("a server that this answer needs does not respond")
    except Exception:  # noqa: BLE001 - the last line of defence; nothing leaks, all is logged
        _log.exception("request_failed", path=request.path, request_id=request[REQUEST_ID])
        problem = ProblemError(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "internal",
            "this is a fault of ours; the log has it under the request id",
        )
    return problem_response(problem, request.path, request[REQUEST_ID])


def _of_http(error: web.HTTPException) -> ProblemError:
    status = HTTPStatus(error.status)
    headers = {name: value for name, value in error.headers.items() if name == "Allow"}
    slug = status.phrase.lower().replace(" ", "-")
    return ProblemError(status, slug, error.reason, headers=headers)
