"""Problem documents (RFC 9457): every error answer has this form."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """An answer that is an error; the middleware writes it."""

    def __init__(
        self,
        status: HTTPStatus,
        slug: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}


def invalid_parameter(field: str, message: str) -> ProblemError:
    """Return the problem of one wrong parameter."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-parameter",
        f"{field}: {message}",
        errors=[{"field": field, "message": message}],
    )


def unavailable(detail: str, retry_after_s: int = 5) -> ProblemError:
    """Return the problem of a dependency, or of data, that is not there now."""
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        detail,
        headers={"Retry-After": str(retry_after_s)},
    )


def problem_response(problem: ProblemError, instance: str, request_id: str) -> web.Response:
    """Return the answer that a problem makes."""
    document: dict[str, Any] = {
        "type": f"/problems/{problem.slug}",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "instance": instance,
        "request_id": request_id,
    }
    if problem.errors:
        document["errors"] = list(problem.errors)
    return web.Response(
        status=problem.status,
        body=json.dumps(document).encode(),
        headers={**problem.headers, "Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"},
    )
