"""The arguments of GraphQL, made from the models of the routes' parameters."""

from collections.abc import Mapping
from inspect import Parameter
from typing import Annotated, TypeVar

import strawberry

from services.gateway.graph.types import graph_annotation
from services.gateway.parsing import validated
from services.gateway.routing import Params

_Params = TypeVar("_Params", bound=Params)


class QueryError(Exception):
    """An argument is wrong; the message names it and says what was expected."""


def arguments_of(model: type[Params]) -> list[Parameter]:
    """Return the fields of a model as the arguments of a resolver's signature."""
    return [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if field.is_required() else field.default,
            annotation=Annotated[
                graph_annotation(field.annotation),
                # A keyword of Python, such as `from`, is an ordinary name in GraphQL.
                strawberry.argument(name=field.alias or name, description=field.description),
            ],
        )
        for name, field in model.model_fields.items()
    ]


def checked(model: type[_Params], arguments: Mapping[str, object]) -> _Params:
    """Check arguments against the parameters of a route; null counts as not given.

    Raises:
        ProblemError: 422 with every argument at fault.
    """
    return validated(model, {name: value for name, value in arguments.items() if value is not None})
