"""From a request to the models of its route, or to a problem that names every field at fault."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from libs.common.errors import expectation
from services.gateway.keys import SETTINGS
from services.gateway.problems import ProblemError, Slug, invalid_parameter
from services.gateway.routing import Params

# A GraphQL document is a few KiB; nothing else has a body.
MAX_BODY_BYTES = 65_536

_Model = TypeVar("_Model", bound=BaseModel)


def parse_params(request: web.Request, model: type[Params]) -> Params:
    """Read path and query.

    Raises:
        ProblemError: 422 with every field at fault.
    """
    path = request.match_info
    values: dict[str, str] = dict(path)
    lenient = model.model_config.get("extra") == "ignore"
    for name, value in request.query.items():
        if name in values and not lenient:
            known = "no such parameter" if name in path else "given more than once"
            raise invalid_parameter(name, known)
        if name not in path:
            values[name] = value
    return validated(model, values)


async def parse_body(request: web.Request, model: type[_Model]) -> _Model:
    """Read a JSON body.

    Raises:
        ProblemError: 415 for another type, 413 for a body of more than `MAX_BODY_BYTES`, 408 for
            one that takes too long, 400 for one that is broken off or not what its encoding says,
            422 with every field at fault.
    """
    if request.content_type != "application/json":
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            Slug.UNSUPPORTED_MEDIA_TYPE,
            f"expected application/json, got {request.content_type:.80}",
        )
    limit_s = request.app[SETTINGS].slow_client_seconds
    try:
        async with asyncio.timeout(limit_s):
            body = await request.read()
    except TimeoutError:
        raise ProblemError(
            HTTPStatus.REQUEST_TIMEOUT,
            Slug.REQUEST_TIMEOUT,
            f"expected the body within {limit_s:g} s",
            headers={"Connection": "close"},
        ) from None
    except web.HTTPRequestEntityTooLarge:
        raise ProblemError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            Slug.REQUEST_ENTITY_TOO_LARGE,
            f"expected a body of {MAX_BODY_BYTES} bytes at most",
        ) from None
    except web.RequestPayloadError as error:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST, Slug.BAD_REQUEST, f"the body cannot be read: {error}"
        ) from None
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _problem(error) from None


def validated(model: type[_Model], values: Mapping[str, object]) -> _Model:
    """Check values against a model, and return it.

    Raises:
        ProblemError: 422 with every field at fault.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _problem(error) from None


def _problem(error: ValidationError) -> ProblemError:
    errors = [
        # An error in a body that is no object, or no JSON, has no location.
        {"field": ".".join(map(str, item["loc"])) or "body", "message": _message(item)}
        for item in error.errors(include_url=False, include_context=False)
    ]
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        Slug.INVALID_PARAMETER,
        "; ".join(f"{item['field']}: {item['message']}" for item in errors),
        errors=errors,
    )


def _message(item: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails is a TypedDict of Any
    if item["type"] == "extra_forbidden":
        return "no such parameter"
    return expectation(item["msg"])
