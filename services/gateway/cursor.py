"""Orders of rows, and cursors: the places where pages ended, opaque to clients."""

import base64
import binascii
from collections.abc import Sequence
from functools import cached_property
from types import GenericAlias
from typing import Any, LiteralString

from pydantic import ConfigDict, TypeAdapter, ValidationError


class InvalidCursorError(ValueError):
    """A cursor was not made here, or belongs to another order."""

    def __init__(self) -> None:
        super().__init__("expected the cursor of an earlier page in the same order")


class Order:
    """An order of rows in which no two rows are equal.

    Attributes:
        name: What clients call it; a cursor of another order is refused.
        keys: What is compared: SQL expressions that are never null and together unique.
        descending: The direction of all keys.
    """

    def __init__(
        self, name: str, keys: dict[LiteralString, Any], *, descending: bool = True
    ) -> None:
        """Make an order from expressions and the types of their values."""
        self.name = name
        self.keys: tuple[LiteralString, ...] = tuple(keys)
        self.descending = descending
        self._types = tuple(keys.values())

    @cached_property
    def _adapter(self) -> TypeAdapter[tuple[Any, ...]]:
        values: Any = GenericAlias(tuple, (str, *self._types))
        return TypeAdapter(values, config=ConfigDict(strict=True, allow_inf_nan=False))

    def cursor_after(self, values: Sequence[Any]) -> str:
        """Return the cursor of the page that follows a row with these values of the keys."""
        plain = self._adapter.dump_json((self.name, *values))
        return base64.urlsafe_b64encode(plain).decode().rstrip("=")

    def values_of(self, cursor: str) -> tuple[Any, ...]:
        """Return the values of the keys that a cursor holds.

        Raises:
            InvalidCursorError: It is no cursor of this order.
        """
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            plain = base64.b64decode(padded, altchars=b"-_", validate=True)
            name, *values = self._adapter.validate_json(plain)
        except (binascii.Error, ValidationError, ValueError):
            raise InvalidCursorError from None
        if name != self.name:
            raise InvalidCursorError
        return tuple(values)
