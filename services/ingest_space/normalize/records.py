"""A page of records in, events and rejects out: a bad record does not affect the others. Pure."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from libs.common.events import Event, reason_of
from libs.common.upstream.records import storable, storable_record

MAX_REJECT_BYTES = 64 * 1024
_API_KEY = re.compile(r"(?<=[?&])api_?key=[^&#\s]*&?", re.IGNORECASE)

Record = dict[str, Any]
_Event = TypeVar("_Event", bound=Event)


class Rejected(NamedTuple):
    """A record that became no event, without our API keys, and why."""

    body: bytes
    reason: str


class Page(NamedTuple):
    """The result of reading a page."""

    events: list[Event]
    rejected: list[Rejected]


def cleaned(record: object) -> Record:
    """Return a record without our API keys and without what cannot be stored.

    Raises:
        ValueError: The record is not an object, or is deeper or larger than any real one.
    """
    result: Record = _without_api_keys(storable_record(record))
    return result


def read_records(records: Iterable[object], normalize: Callable[[Record], _Event]) -> Page:
    """Make an event of each readable record; of two with the same subject, the later one counts.

    Raises:
        ValueError: There were records, but none could be read: the whole page is wrong.
    """
    events: dict[str | None, Event] = {}
    rejected: list[Rejected] = []
    for record in records:
        try:
            event = normalize(cleaned(record))
        except ValidationError as error:
            rejected.append(Rejected(_bytes_of(record), reason_of(error)))
        except ValueError as error:
            rejected.append(Rejected(_bytes_of(record), str(error)))
        else:
            events[event.subject] = event
    if rejected and not events:
        raise ValueError(f"none of {len(rejected)} records can be read: {rejected[0].reason}")
    return Page(list(events.values()), rejected)


def without_api_key(text: str) -> str:
    """Return a text with every `api_key=...` taken out of its links."""
    shorter = _API_KEY.sub("", text)
    return text if shorter == text else shorter.rstrip("?&")


def _without_api_keys(value: Any) -> Any:  # noqa: ANN401 - any JSON
    match value:
        case str():
            return without_api_key(value)
        case dict():
            return {key: _without_api_keys(item) for key, item in value.items()}
        case list():
            return [_without_api_keys(item) for item in value]
        case _:
            return value


def _bytes_of(record: object) -> bytes:
    try:
        text = json.dumps(_without_api_keys(storable(record)))
    except ValueError as error:
        return f"(a record that cannot be kept: {error})".encode()
    return text.encode()[:MAX_REJECT_BYTES]
