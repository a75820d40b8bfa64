"""The values of the repository: a text, a list of texts, or several texts in one. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from libs.common.events.osdr import MAX_LABEL, MAX_LABELS
from libs.common.upstream.text import plain_text

# How the study API joins several values in one text.
_JOINED = re.compile(r"[ \u00a0]{5,}")
# Markup may be ten times longer than the text in it; what is longer is cut before it is read.
_MARKUP_FACTOR = 10


def folded(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping by lower-case keys with single spaces, as one of the two APIs has them.

    Where two keys become one, the first that is not empty counts.
    """
    result: dict[str, Any] = {}
    for key, value in mapping.items():
        name = " ".join(str(key).lower().split())
        if is_empty(result.get(name)):
            result[name] = value
    return result


def is_empty(value: object) -> bool:
    """Tell whether a value says nothing: None, a text of spaces, or nothing but such."""
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
    """Return what is said now, with what was said before where it says nothing now."""
    return {**old, **{key: value for key, value in new.items() if not is_empty(value)}}


def items(value: object) -> list[object]:
    """Return the single values of a value, in their order, empty ones too."""
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

    Several values, in a list or in one text, are joined by `; `. Objects and truth values are no
    text.
    """
    return _joined(items(value), limit)


def prose(value: object, limit: int) -> str | None:
    """Return a value as text, like `text`, where five spaces in a row part no values.

    Whoever writes sentences indents them at times.
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
        value: A text, texts joined by five spaces, or a list of such.
        separator: What else separates texts.
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
