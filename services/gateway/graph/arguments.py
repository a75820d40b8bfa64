"""What arguments may be, beyond what their GraphQL types say: the same as parameters elsewhere."""

from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from strawberry.extensions import FieldExtension

from libs.common.errors import expectation
from libs.common.events.envelope import Moment

_moment: TypeAdapter[datetime] = TypeAdapter(Moment)
_FIRST_YEAR, _LAST_YEAR = 1957, 8999


class QueryError(Exception):
    """An argument is wrong; the message names it and says what was expected."""


class CheckedArguments(FieldExtension):
    """Refuses what the database could not take, and times without a zone, by name."""

    def map_arguments(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Check the arguments of one field.

        Raises:
            QueryError: One is wrong.
        """
        for name, value in kwargs.items():
            if (expected := _expected(value)) is not None:
                raise QueryError(f"{name}: {expected}")
        return kwargs


def _expected(value: object) -> str | None:
    """Return what was expected instead of a value; None where it is all right."""
    if isinstance(value, str) and "\0" in value:
        return "expected text without a zero character"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return "expected a time with its zone, such as 2026-03-01T12:00:00Z"
        try:
            _moment.validate_python(value)
        except ValidationError as error:
            return expectation(error.errors()[0]["msg"])
    elif isinstance(value, date) and not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        return f"expected a day of the years {_FIRST_YEAR} to {_LAST_YEAR}"
    return None
