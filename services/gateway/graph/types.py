"""GraphQL types made from the models that the rest of the API answers with."""

from collections.abc import Callable
from dataclasses import field, make_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import strawberry
from pydantic import AwareDatetime, BaseModel
from strawberry.scalars import JSON

from services.gateway.graph.arguments import NamedRefusals

_Model = TypeVar("_Model", bound=BaseModel)
_Resolver = TypeVar("_Resolver", bound=Callable[..., Any])


@cache
def graph_type(model: type[_Model]) -> type[_Model]:
    """Return the GraphQL type of a model; resolvers give the model's instances as they are."""
    fields: list[Any] = [
        (
            name,
            _annotation(info.annotation),
            strawberry.field(description=info.description, default=strawberry.UNSET),
        )
        for name, info in model.model_fields.items()
    ]
    fields += [
        (name, _annotation(info.return_type), field(default=strawberry.UNSET))
        for name, info in model.model_computed_fields.items()
    ]
    plain = make_dataclass(model.__name__, fields, kw_only=True)
    made: type[_Model] = strawberry.type(plain, description=_summary(model))
    return made


def _summary(model: type[BaseModel]) -> str | None:
    return model.__doc__.partition("\n")[0] if model.__doc__ else None


def _annotation(annotation: Any) -> Any:  # noqa: ANN401 - types of types
    """Return what strawberry understands of a field's type."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        # Of a union with null each part is translated; the API has no other unions.
        (kept,) = (_annotation(each) for each in arguments if each is not NoneType)
        return kept | None
    if origin is list:
        return list[_annotation(arguments[0])]  # type: ignore[misc]  # made at run time
    if origin is Literal:
        return type(arguments[0])
    return JSON if origin is dict else _plain(annotation)


def _plain(annotation: type) -> Any:  # noqa: ANN401 - types of types
    if issubclass(annotation, BaseModel):
        return graph_type(annotation)
    if issubclass(annotation, Enum):
        return graph_enum(annotation)
    return datetime if annotation is AwareDatetime else annotation


@cache
def graph_enum(enumeration: type[Enum]) -> Any:  # noqa: ANN401 - strawberry's wrapper
    """Return the GraphQL type of an enumeration."""
    return strawberry.enum(enumeration)


def resolves(
    model: type[BaseModel], *, nullable: bool = False, many: bool = False
) -> Callable[[_Resolver], _Resolver]:
    """Make a method the resolver of a field that is a model, or a list of them."""
    type_: Any = graph_type(model)
    if many:
        type_ = list[type_]
    decorator: Callable[[_Resolver], _Resolver] = strawberry.field(
        graphql_type=type_ | None if nullable else type_, extensions=[NamedRefusals()]
    )
    return decorator
