"""The fields of GraphQL's root, made from the routes that name them and their functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from inspect import Parameter, Signature, signature
from typing import Any

import strawberry
from aiohttp import web
from strawberry.tools import create_type

from services.gateway.cursor import InvalidCursorError
from services.gateway.graph.arguments import QueryError, arguments_of, checked
from services.gateway.graph.types import graph_field, summary
from services.gateway.problems import ProblemError
from services.gateway.routing import Find, Params, Route


@dataclass(frozen=True, slots=True)
class GraphContext:
    """What resolvers use."""

    app: web.Application
    operation_name: str | None


Info = strawberry.Info[GraphContext, None]


@dataclass(frozen=True, slots=True)
class GraphField:
    """A field of the root.

    Attributes:
        find: The function that finds its answer.
        quota: What the same costs a client in REST.
        params: The model of its arguments.
        answer: The type of its answer: a model, or a model or None.
    """

    find: Find
    quota: int
    params: type[Params]
    answer: Any


def fields_of(routes: Iterable[Route]) -> dict[str, GraphField]:
    """Return the fields that a route table names; their functions' annotations give the types.

    Raises:
        ValueError: A route that names fields is not open to every reader: GraphQL would be a way
            around its scope.
    """
    fields = {}
    for route in routes:
        if route.graph and (route.scope is not None or route.method != "GET"):
            raise ValueError(f"{route.path}: GraphQL knows no scopes and changes nothing")
        for name, find in route.graph.items():
            hints = signature(find)
            _, params = hints.parameters.values()
            fields[name] = GraphField(find, route.cost, params.annotation, hints.return_annotation)
    return fields


def query_type(fields: Mapping[str, GraphField]) -> type:
    """Return the root type of GraphQL."""
    return create_type(
        "Query",
        [
            graph_field(
                name, field.answer, description=summary(field.find), resolver=_resolver(field)
            )
            for name, field in fields.items()
        ],
        description="Public space data; every datum tells its time and its origin.",
    )


def _resolver(field: GraphField) -> Any:  # noqa: ANN401 - its signature is made at run time
    async def resolve(info: Info, **given: object) -> object:
        names = field.params.model_fields
        try:
            params = checked(
                field.params, {names[name].alias or name: value for name, value in given.items()}
            )
            return await field.find(info.context.app, params)
        except ProblemError as problem:
            if not problem.errors:
                raise
            raise QueryError(problem.detail) from None
        except InvalidCursorError as error:
            raise QueryError(f"cursor: {error}") from None

    made: Any = resolve
    made.__signature__ = Signature(
        [
            Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Info),
            *arguments_of(field.params),
        ]
    )
    return made
