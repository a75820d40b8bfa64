"""Parameters as the old servers read them: a value that makes no sense becomes the default."""

import math
import re
from collections.abc import Callable
from typing import Any

from pydantic import BeforeValidator, WithJsonSchema

TAG = "earlier systems"
# Python refuses integers of more than 4,300 digits; far shorter ones are beyond every range.
_MOST_DIGITS = 20
_LONG_NUMBER = re.compile(rf"\s*([+-]?)[0-9]{{{_MOST_DIGITS + 1},}}\s*")


def whole(default: int | None, low: int, high: int) -> tuple[BeforeValidator, WithJsonSchema]:
    """Return annotations that make a field read any text as a whole number in `low..high`."""
    return _lenient(int, default, low, high)


def number(default: float, low: float, high: float) -> tuple[BeforeValidator, WithJsonSchema]:
    """Return annotations that make a field read any text as a number in `low..high`."""
    return _lenient(float, default, low, high)


def _lenient(
    read: Callable[[str], float], default: float | None, low: float, high: float
) -> tuple[BeforeValidator, WithJsonSchema]:
    def parse(value: Any) -> float | None:  # noqa: ANN401 - whatever the query holds
        text = str(value)
        if long := _LONG_NUMBER.fullmatch(text):
            return low if long[1] == "-" else high
        try:
            found = read(text)
        except ValueError:
            return default
        return min(max(found, low), high) if math.isfinite(found) else default

    # No value is refused, so the schema must allow every one.
    schema = {
        "anyOf": [{"type": "number"}, {"type": "string"}],
        "default": default,
        "description": f"{low:g} to {high:g}; beyond, the nearest; what is no number, the default.",
    }
    return BeforeValidator(parse), WithJsonSchema(schema)
