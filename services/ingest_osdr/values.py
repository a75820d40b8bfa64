"""Reads the repository's values: a text, a list of texts, or several texts in one. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from libs.common.events.osdr import MAX_LABEL, MAX_LABELS
from libs.common.upstream.text import plain_text

# How the study API joins several values in one text.
_JOINED = re.compile(r"[ \u00a0]{5,}")
# Markup may be ten times longer than its text; a longer value is cut before it is read.
_MARKUP_FACTOR = 10


def folded(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with lower-case keys and single spaces, as in the biodata API.

    If two keys become one, the first value that is not empty counts.
    """
    result: dict[str, Any] = {}
    for key, value in mapping.items():
        name = " ".join(str(key).lower().split())
        if is_empty(result.get(name)):
            result[name] = value
    return result


def is_empty(value: object) -> bool:
    """Tell whether a value is empty: None, only spaces, or a list or object of such values."""
    match value:
        case None:
            return True
        case str():
            return not value.strip()
        case list():
            return all(is_empty(each) for each in value)
        case dict():
            return all(is_empty(each) for each in value.values())
        case _:
            return False


def completed(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new values; those that are missing or empty keep their old value."""
    return {**old, **{key: value for key, value in new.items() if not is_empty(value)}}


def items(value: object) -> list[object]:
    """Return the single values of a value in their order, including empty ones."""
    match value:
        case None:
            return []
        case str():
            return list(_JOINED.split(value.strip(" \u00a0")))
        case list():
            return [single for each in value for single in items(each) or [None]]
        case _:
            return [value]


def text(value: object, limit: int = MAX_LABEL) -> str | None:
    """Return a value as text without markup, at most `limit` characters; None when empty.

    Several values, in a list or in one text, are joined by `; `. Objects and booleans do not count
    as text.
    """
    return _joined(items(value), limit)


def prose(value: object, limit: int) -> str | None:
    """Return a value as text, like `text`, but do not split it at five spaces in a row.

    Authors of longer texts sometimes indent them.
    """
    return _joined(value if isinstance(value, list) else [value], limit)


def _joined(singles: Iterable[object], limit: int) -> str | None:
    found = [part for single in singles if (part := _single(single, limit))]
    return "; ".join(found)[:limit].strip() or None


def _single(value: object, limit: int) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return plain_text(str(value)[: limit * _MARKUP_FACTOR])[:limit].strip() or None


def labels(value: object, *, separator: str | None = None) -> list[str]:
    """Return the texts of a value, each once, in their order.

    Args:
        value: A text, texts joined by five spaces, or a list of these.
        separator: Another separator of texts.
    """
    singles: Iterable[object] = items(value)
    if separator:
        singles = [
            part
            for single in singles
            for part in (single.split(separator) if isinstance(single, str) else [single])
        ]
    found = [label for single in singles if (label := _single(single, MAX_LABEL))]
    return list(dict.fromkeys(found))[:MAX_LABELS]
