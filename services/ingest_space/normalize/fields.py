"""Reads single fields of records whose types the upstreams do not keep strictly. Pure.

A field that is missing, null, empty, the text "null" or of an unexpected type is read as None.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from libs.common.events.space import MAX_ITEMS, MAX_LINK, MAX_NAME, MAX_TEXT
from libs.common.upstream.text import plain_text, web_link

# English in every upstream, whatever the machine's language.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# The limit before markup is removed, which never makes up three quarters of a text.
_MAX_RAW_TEXT = 4 * MAX_TEXT
_DECIMAL = re.compile(r"[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})([eE][+-]?\d{1,3})?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?) ?([Z+-].*)?")


def text(value: object, *, at_most: int = MAX_TEXT) -> str | None:
    """Return plain text, cut off where it is longer than any real one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**18 else None
    if not isinstance(value, str):
        return None
    plain = plain_text(value[:_MAX_RAW_TEXT])[:at_most].strip()
    return plain if plain and plain.lower() != "null" else None


def name(value: object) -> str | None:
    """Return a text that is one short line."""
    return text(value, at_most=MAX_NAME)


def required_name(record: Mapping[str, Any], *keys: str) -> str:
    """Return the first name among several fields.

    Raises:
        ValueError: None of them holds a name.
    """
    for key in keys:
        if found := name(record.get(key)):
            return found
    raise ValueError(f"{keys[0]}: expected text, got {record.get(keys[0])!r:.40}")


def number(value: object, *, low: float = -math.inf, high: float = math.inf) -> float | None:
    """Return a number, also if it is written as text; None outside the possible range."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _DECIMAL.fullmatch(value.strip()):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and low <= found <= high else None


def whole(value: object, *, low: int = 0, high: int) -> int | None:
    """Return a whole number, also if it is written as text or with a decimal point."""
    found = number(value, low=low, high=high)
    return int(found) if found is not None and found.is_integer() else None


def flag(value: object) -> bool | None:
    """Return a truth value."""
    return value if isinstance(value, bool) else None


def link(value: object) -> str | None:
    """Return a link that leads to the web, without keys."""
    found = web_link(value)
    return found if found and len(found) <= MAX_LINK and re.match(r"https?://", found) else None


def day(value: object) -> date | None:
    """Return the date of `2026-04-19`."""
    if not isinstance(value, str) or not _DATE.fullmatch(value.strip()):
        return None
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        return None


def moment(value: object) -> datetime | None:
    """Return the time of `2026-04-01T13:38Z`, with or without seconds; UTC if no zone is given.

    A year before 1900 cannot be the time of anything in space.
    """
    parts = _TIME.fullmatch(value.strip().upper()) if isinstance(value, str) else None
    if not parts:
        return None
    try:
        found = datetime.fromisoformat(f"{parts[1]}T{parts[2]}{parts[3] or 'Z'}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if 1_900 <= found.year < 9_999 else None  # noqa: PLR2004 - see above


def required_moment(record: Mapping[str, Any], key: str) -> datetime:
    """Return the time in a field.

    Raises:
        ValueError: There is none.
    """
    found = moment(record.get(key))
    if found is None:
        raise ValueError(f"{key}: expected a time, got {record.get(key)!r:.40}")
    return found


def part(record: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return an object inside a record; an empty one if the field is null or something else."""
    found = record.get(key)
    return found if isinstance(found, dict) else {}


def parts(record: Mapping[str, Any], *keys: str) -> list[dict[str, Any]]:
    """Return the objects in the first field that is a list; an empty list if none is."""
    for key in keys:
        found = record.get(key)
        if isinstance(found, list):
            return [item for item in found if isinstance(item, dict)]
    return []


def names(values: Iterable[object]) -> list[str]:
    """Return the names among values, each once, and no more than any real record has."""
    found = dict.fromkeys(name(value) for value in values)
    return [value for value in found if value][:MAX_ITEMS]


def links(values: Iterable[object]) -> list[str]:
    """Return the links among values, each once, and no more than any real record has."""
    found = dict.fromkeys(link(value) for value in values)
    return [value for value in found if value][:MAX_ITEMS]
