"""What arguments may be, beyond what their GraphQL types say: the same as parameters elsewhere."""

from collections.abc import Mapping
from typing import Any, TypeVar

from strawberry import Info
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver

from services.gateway.cursor import InvalidCursorError
from services.gateway.parsing import validated
from services.gateway.problems import ProblemError
from services.gateway.routing import Params

_Params = TypeVar("_Params", bound=Params)

# `from` is a poor name for what Python and GraphQL call an argument.
_NAMES = {"from": "since", "to": "until"}


class QueryError(Exception):
    """An argument is wrong; the message names it and says what was expected."""


def checked(model: type[_Params], **arguments: object) -> _Params:
    """Hold arguments to the parameters of a route; null is one that was not given.

    Raises:
        ProblemError: Some are wrong; `NamedRefusals` tells which.
    """
    fields = model.model_fields
    given = {
        fields[name].alias or name: value for name, value in arguments.items() if value is not None
    }
    return validated(model, given)


class NamedRefusals(FieldExtension):
    """Tells what the REST API refuses, in the names of arguments."""

    async def resolve_async(
        self,
        next_: AsyncExtensionResolver,
        source: Any,  # noqa: ANN401 - as Strawberry has it
        info: Info,
        **kwargs: Any,  # noqa: ANN401 - as Strawberry has it
    ) -> Any:  # noqa: ANN401 - as Strawberry has it
        """Resolve the field.

        Raises:
            QueryError: An argument is wrong.
        """
        try:
            return await next_(source, info, **kwargs)
        except ProblemError as problem:
            told = "; ".join(f"{_named(each)}: {each['message']}" for each in problem.errors)
            for name, ours in _NAMES.items():
                told = told.replace(f"`{name}`", f"`{ours}`")
            raise QueryError(told) from None
        except InvalidCursorError as error:
            raise QueryError(f"cursor: {error}") from None


def _named(error: Mapping[str, str]) -> str:
    return _NAMES.get(error["field"], error["field"])
