"""Problem documents (RFC 9457): every error answer has this form."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Self

from aiohttp import hdrs, web

MEDIA_TYPE = "application/problem+json"


class Slug(StrEnum):
    """The kinds of problems; `/docs` explains each with its meaning."""

    meaning: str

    BAD_GATEWAY = "bad-gateway", "The upstream answered with something else than was expected."
    BAD_REQUEST = "bad-request", "What came is no HTTP request, or not one that can be read."
    EXPECTATION_FAILED = "expectation-failed", "Only `Expect: 100-continue` is understood."
    HEAD_TOO_LARGE = "head-too-large", "The request line or a header is too long."
    INSUFFICIENT_SCOPE = "insufficient-scope", "The token does not allow this."
    INTERNAL = "internal", "A fault of ours; the log has it under the request id."
    INVALID_CREDENTIALS = (
        "invalid-credentials",
        "The key or the token is not known, or over its time.",
    )
    INVALID_PARAMETER = (
        "invalid-parameter",
        "A parameter, or a part of the body, is wrong; `errors` names each.",
    )
    METHOD_NOT_ALLOWED = "method-not-allowed", "The path has other methods; `Allow` lists them."
    NOT_FOUND = "not-found", "There is no such path, or no such thing under it."
    REQUEST_ENTITY_TOO_LARGE = "request-entity-too-large", "The body is larger than 64 KiB."
    REQUEST_TIMEOUT = "request-timeout", "The body took too long to come."
    TOKEN_REQUIRED = "token-required", "Only a client with a token may do this."
    TOO_MANY_REQUESTS = (
        "too-many-requests",
        "The client's quota is used up; `Retry-After` says how long.",
    )
    UNAVAILABLE = (
        "unavailable",
        "A server or data that this needs is away; ask again after `Retry-After`.",
    )
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", "The body must be JSON."

    def __new__(cls, slug: str, meaning: str) -> Self:
        """Make a member that knows what it means."""
        member = str.__new__(cls, slug)
        member._value_ = slug
        member.meaning = meaning
        return member

    @property
    def anchor(self) -> str:
        """Its place on the page `/docs`."""
        return f"problem-{self.value}"


class ProblemError(Exception):
    """An answer that is an error; `middlewares/problems.py` writes it."""

    def __init__(
        self,
        status: HTTPStatus,
        slug: Slug,
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


class _ProblemResponse(web.Response):
    """An answer without aiohttp's `Server` header, even if no application saw the request."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.popall(hdrs.SERVER, None)


def invalid_parameter(field: str, message: str) -> ProblemError:
    """Return the problem of one wrong parameter."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        Slug.INVALID_PARAMETER,
        f"{field}: {message}",
        errors=[{"field": field, "message": message}],
    )


def unavailable(detail: str, retry_after_s: int = 5) -> ProblemError:
    """Return the problem of a dependency, or of data, that is not there now."""
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        Slug.UNAVAILABLE,
        detail,
        headers={"Retry-After": str(retry_after_s)},
    )


def problem_response(problem: ProblemError, instance: str, request_id: str) -> web.Response:
    """Return the answer that a problem makes."""
    document: dict[str, Any] = {
        "type": f"/docs#{problem.slug.anchor}",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "instance": instance,
        "request_id": request_id,
    }
    if problem.errors:
        document["errors"] = list(problem.errors)
    return _ProblemResponse(
        status=problem.status,
        body=json.dumps(document).encode(),
        headers={**problem.headers, "Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"},
    )
