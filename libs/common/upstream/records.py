"""JSON from upstreams, made safe to store and read: PostgreSQL, the broker, other languages."""

import json
import math
import re
from typing import Any

# No real answer is nested this deeply; the JSON parsers that read it later stop at 200 levels.
MAX_DEPTH = 50
# 1,000 decimal digits.
MAX_INTEGER_BITS = 3_322
# A launch takes 8 KiB, a coronal mass ejection with many forecasts 30 KiB.
MAX_RECORD_BYTES = 256 * 1024
# JSON can express these characters, but PostgreSQL's `jsonb` and UTF-8 cannot hold them.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(value: Any, depth: int = MAX_DEPTH) -> Any:  # noqa: ANN401 - any JSON
    """Return a decoded JSON document without what cannot be stored.

    NUL characters and lone surrogates become U+FFFD; numbers that overflowed become None.

    Raises:
        ValueError: It is nested too deeply, or holds an integer of more than 1,000 digits.
    """
    if depth < 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    match value:
        case str():
            return _UNSTORABLE.sub("\ufffd", value)
        case dict():
            return {storable(key): storable(each, depth - 1) for key, each in value.items()}
        case list():
            return [storable(each, depth - 1) for each in value]
        case float():
            return value if math.isfinite(value) else None
        case int() if value.bit_length() > MAX_INTEGER_BITS:
            raise ValueError("an integer of more than 1,000 digits")
        case _:
            return value


def storable_record(record: object) -> dict[str, Any]:
    """Return a record of an upstream without what cannot be stored.

    Raises:
        ValueError: The record is not an object, or is deeper or larger than any real one.
    """
    if not isinstance(record, dict):
        raise ValueError(f"expected an object, got {type(record).__name__}")
    result: dict[str, Any] = storable(record)
    if len(json.dumps(result)) > MAX_RECORD_BYTES:
        raise ValueError(f"expected at most {MAX_RECORD_BYTES} bytes")
    return result
