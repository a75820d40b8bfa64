"""The OpenAPI 3.1 document, made from the route table. Pure."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel, Field, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from services.gateway.problems import MEDIA_TYPE
from services.gateway.ready import JSON
from services.gateway.routing import OldParams, Params, Route

_REF = "#/components/schemas/{model}"
_SEGMENT = re.compile(r"{(\w+)(?::[^}]*)?}")
_Schemas = Mapping[tuple[Any, JsonSchemaMode], dict[str, Any]]


class FieldAtFault(BaseModel):
    """One parameter that is wrong."""

    field: str
    message: str = Field(description="What was expected.")


class Problem(BaseModel):
    """A problem document (RFC 9457): the body of every error."""

    type: str = Field(description="What went wrong, as a stable address that explains it.")
    title: str
    status: int
    detail: str = Field(description="What went wrong this time, and what to do.")
    instance: str = Field(description="The path of the request.")
    request_id: str = Field(description="The log has the request under it.")
    errors: list[FieldAtFault] | None = Field(default=None, description="The fields at fault.")


_ALWAYS = {
    HTTPStatus.UNAUTHORIZED: "The key or the token is not known, or over its time.",
    HTTPStatus.TOO_MANY_REQUESTS: "The client's quota is used up; `Retry-After` says how long.",
}
_PROBLEMS = _ALWAYS | {
    HTTPStatus.FORBIDDEN: "The token does not allow this.",
    HTTPStatus.NOT_FOUND: "There is no such thing.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A parameter is wrong; `errors` names it.",
    HTTPStatus.BAD_GATEWAY: "The upstream answered with something else.",
    HTTPStatus.SERVICE_UNAVAILABLE: "A server or data that this needs is away; `Retry-After`.",
    HTTPStatus.GATEWAY_TIMEOUT: "The upstream did not answer in time.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body must be JSON.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than 64 KiB.",
}
# A route with a scope names its scheme itself; reading needs no token.
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "Gives a client a quota of its own; nothing needs one.",
    },
}


def document(routes: Sequence[Route], *, title: str, version: str) -> dict[str, Any]:
    """Return the document of a route table.

    Args:
        routes: The table.
        title: The name of the API.
        version: The version of the project.
    """
    schemas, definitions = _schemas(routes)
    paths: dict[str, Any] = {}
    for route in routes:
        path = _SEGMENT.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas, definitions)
    # Models of parameters are left out: parameters stand where they are used.
    used = _references(paths, definitions)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "summary": "Public space data, kept and served from one place.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": {name: definitions[name] for name in sorted(used)},
            "securitySchemes": _SECURITY,
        },
    }


def _schemas(routes: Sequence[Route]) -> tuple[_Schemas, dict[str, Any]]:
    wanted: dict[tuple[Any, JsonSchemaMode], None] = {(Problem, "serialization"): None}
    for route in routes:
        wanted[route.params, "validation"] = None
        if route.body is not None:
            wanted[route.body, "validation"] = None
        if route.answer is not None:
            wanted[route.answer, "serialization"] = None
    schemas, top = TypeAdapter.json_schemas(
        [(type_, mode, TypeAdapter(type_)) for type_, mode in wanted], ref_template=_REF
    )
    return schemas, top.get("$defs", {})


def _operation(route: Route, schemas: _Schemas, definitions: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "responses": _responses(route, schemas),
    }
    if notes := _notes(route):
        operation["description"] = notes
    if parameters := _parameters(route, schemas, definitions):
        operation["parameters"] = parameters
    if route.body is not None:
        schema = schemas[route.body, "validation"]
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    if route.scope is not None:
        operation["security"] = [{"bearer": []}]
    if route.deprecated:
        operation["deprecated"] = True
    return operation


def operation_id(route: Route) -> str:
    """Return a name that no other route has."""
    words = re.findall(r"[A-Za-z0-9]+", _SEGMENT.sub(r"by_\1", route.path))
    return "_".join([route.method.lower(), *words]) if words else f"{route.method.lower()}_index"


def _notes(route: Route) -> str:
    notes = []
    if route.cost != 1:
        notes.append(f"Costs {route.cost} of the quota." if route.cost else "Costs nothing.")
    if route.cache:
        notes.append(f"Kept for {route.cache}.")
    if route.scope is not None:
        notes.append(f"Needs a token with the scope `{route.scope}`.")
    return " ".join(notes)


def _responses(route: Route, schemas: _Schemas) -> dict[str, Any]:
    success = str(route.status.value)
    responses: dict[str, Any] = {success: {"description": "The answer."}}
    schema = {} if route.answer is None else schemas[route.answer, "serialization"]
    media = route.media.partition(";")[0]
    responses[success]["content"] = {media: {"schema": schema} if schema else {}}
    problem = {MEDIA_TYPE: {"schema": schemas[Problem, "serialization"]}}
    expected = {*route.problems, *(_ALWAYS if route.cost else ())}
    if route.params is not Params and not issubclass(route.params, OldParams):
        expected.add(HTTPStatus.UNPROCESSABLE_ENTITY)
    if route.body is not None:
        expected |= {
            HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        }
    if route.scope is not None:
        expected.add(HTTPStatus.FORBIDDEN)
    for status in sorted(expected):
        text = _PROBLEMS.get(status, status.phrase)
        responses[str(status.value)] = {"description": text, "content": problem}
    responses["default"] = {"description": "A problem.", "content": problem}
    return responses


def _parameters(
    route: Route, schemas: _Schemas, definitions: dict[str, Any]
) -> list[dict[str, Any]]:
    known = schemas[route.params, "validation"]
    if "$ref" in known:
        known = definitions[known["$ref"].rpartition("/")[2]]
    in_path = _SEGMENT.findall(route.path)
    parameters = []
    for name, schema in known.get("properties", {}).items():
        place: Literal["path", "query"] = "path" if name in in_path else "query"
        parameter: dict[str, Any] = {"name": name, "in": place}
        if "description" in schema:
            parameter["description"] = schema["description"]
        if place == "path" or name in known.get("required", ()):
            parameter["required"] = True
        shape = _of_text(schema)
        if shape.get("type") == "array":
            # `types=a,b`, not `types=a&types=b`.
            parameter |= {"style": "form", "explode": False}
        parameters.append(parameter | {"schema": shape})
    return parameters


def _of_text(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a field's schema as that of a parameter: it may be absent, but it cannot be null."""
    own = {key: schema[key] for key in schema if key not in {"title", "description"}}
    if own.get("default", ...) is None:
        del own["default"]
    choices = [each for each in own.get("anyOf", ()) if each != {"type": "null"}]
    if len(choices) == 1:
        del own["anyOf"]
        return dict(choices[0]) | own
    return own | ({"anyOf": choices} if choices else {})


def _references(node: object, definitions: dict[str, Any]) -> set[str]:
    """Return the names of all schemas that a node refers to, directly or through others."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Mapping):
            reference = here.get("$ref")
            if isinstance(reference, str):
                name = reference.rpartition("/")[2]
                if name not in found:
                    found.add(name)
                    waiting.append(definitions[name])
            waiting += here.values()
        elif isinstance(here, list):
            waiting += here
    return found
