"""GraphQL types made from the models that the rest of the API answers with."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import strawberry
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo
from strawberry.scalars import JSON
from strawberry.tools import create_type
from strawberry.types.field import StrawberryField


@cache
def graph_type(model: type) -> Any:  # noqa: ANN401 - strawberry's wrapper
    """Return the GraphQL type of a model or a dataclass; resolvers return its instances as is."""
    fields = [
        graph_field(name, annotation, shown=shown, description=description)
        for name, shown, annotation, description in _fields(model)
    ]
    return create_type(model.__name__, fields, description=summary(model))


def graph_field(
    name: str,
    annotation: Any,  # noqa: ANN401 - types of types
    *,
    shown: str | None = None,
    description: str | None = None,
    resolver: Any = None,  # noqa: ANN401 - any signature
) -> StrawberryField:
    """Return a field of a GraphQL type; without a resolver it reads the attribute of that name."""
    made: StrawberryField = strawberry.field(
        resolver,
        name=shown or name,
        description=description,
        graphql_type=graph_annotation(annotation),
    )
    made.python_name = name
    return made


def _fields(model: type) -> Iterator[tuple[str, str, Any, str | None]]:
    """Yield each field's name in Python, its name in answers, its type and its description."""
    if not issubclass(model, BaseModel):
        for name, hint in get_type_hints(model, include_extras=True).items():
            info = FieldInfo.from_annotation(hint)
            yield name, name, info.annotation, info.description
        return
    for name, info in model.model_fields.items():
        yield name, info.serialization_alias or name, info.annotation, info.description
    for name, computed in model.model_computed_fields.items():
        yield name, name, computed.return_type, computed.description


def summary(described: object) -> str | None:
    """Return the first line of a docstring."""
    return described.__doc__.partition("\n")[0] if described.__doc__ else None


def graph_annotation(annotation: Any) -> Any:  # noqa: ANN401 - types of types
    """Return a type in the form that strawberry understands."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        kept = [graph_annotation(each) for each in arguments if each is not NoneType]
        # Every union of more than one type here is one of texts.
        only = kept[0] if len(kept) == 1 else str
        return only | None if NoneType in arguments else only
    if origin is Annotated:
        return graph_annotation(arguments[0])
    if origin in {list, tuple}:
        return list[graph_annotation(arguments[0])]  # type: ignore[misc]  # made at run time
    if origin is Literal:
        return type(arguments[0])
    return JSON if origin is dict else _plain(annotation)


def _plain(annotation: type) -> Any:  # noqa: ANN401 - types of types
    if issubclass(annotation, Enum):
        return _graph_enum(annotation)
    if issubclass(annotation, BaseModel) or is_dataclass(annotation):
        return graph_type(annotation)
    return datetime if annotation is AwareDatetime else annotation


@cache
def _graph_enum(enumeration: type[Enum]) -> Any:  # noqa: ANN401 - strawberry's wrapper
    return strawberry.enum(enumeration)
