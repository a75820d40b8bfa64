"""The catalogue of all event types, and how a stream entry becomes one of them."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from secrets import token_hex
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from libs.common.events.astro import AstroEventEvent
from libs.common.events.envelope import Event
from libs.common.events.iss import IssElementsEvent, IssPositionEvent
from libs.common.events.jwst import JwstImageEvent
from libs.common.events.osdr import OsdrDatasetEvent
from libs.common.events.space import (
    ApodEvent,
    CoronalMassEjectionEvent,
    LaunchEvent,
    NearEarthObjectEvent,
    SolarFlareEvent,
)

AnyEvent = Annotated[
    OsdrDatasetEvent
    | IssPositionEvent
    | IssElementsEvent
    | JwstImageEvent
    | AstroEventEvent
    | ApodEvent
    | NearEarthObjectEvent
    | SolarFlareEvent
    | CoronalMassEjectionEvent
    | LaunchEvent,
    Field(discriminator="type"),
]
EVENT_CLASSES: tuple[type[Event], ...] = (
    OsdrDatasetEvent,
    IssPositionEvent,
    IssElementsEvent,
    JwstImageEvent,
    AstroEventEvent,
    ApodEvent,
    NearEarthObjectEvent,
    SolarFlareEvent,
    CoronalMassEjectionEvent,
    LaunchEvent,
)

_ONE: TypeAdapter[Event] = TypeAdapter(AnyEvent)
_MANY: TypeAdapter[Mapping[str, Event]] = TypeAdapter(dict[str, AnyEvent])
# Unknown outside of this process, so that no body can contain the key of another.
_BATCH_KEY = token_hex(8)


def decode(body: bytes) -> Event:
    """Decode one stream entry.

    Raises:
        ValueError: The body is not an event of the suite; the message says why in one line.
    """
    try:
        return _ONE.validate_json(body)
    except ValidationError as error:
        raise ValueError(_event_reason(error)) from None


def decode_batch(bodies: Sequence[bytes]) -> list[Event | ValueError]:
    """Decode many stream entries at once, each into its event or the reason why it is not one.

    The bodies are validated as one JSON object, which costs a third of validating them one by one.
    Only a batch with a bad body is decoded one by one.
    """
    keys, openings = _batch_keys(len(bodies))
    # A single join: every copy of a batch takes megabytes of memory.
    document = b"".join(chain(*zip(openings, bodies, strict=True), (b"}",)))
    try:
        events = _MANY.validate_json(document)
    except ValidationError:
        pass
    else:
        # A body such as `{},"a":{}`, or two bodies that are valid JSON only together, change the
        # keys.
        if tuple(events) == keys:
            return list(events.values())
    return [_decoded_or_reason(body) for body in bodies]


@lru_cache(maxsize=16)  # the size of a full batch, and the sizes on a quiet stream
def _batch_keys(count: int) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
    """Return the keys of a batch, and what stands before each of its bodies."""
    keys = tuple(f"{_BATCH_KEY}{index}" for index in range(count))
    return keys, tuple(
        b'%b"%b":' % (b"," if index else b"{", key.encode()) for index, key in enumerate(keys)
    )


def _decoded_or_reason(body: bytes) -> Event | ValueError:
    try:
        return decode(body)
    except ValueError as error:
        return error


def reason_of(error: ValidationError) -> str:
    """Return the first complaint of a validation in one line: the field and what was expected."""
    detail = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in detail["loc"])
    return f"{place}: {detail['msg']}" if place else detail["msg"]


def _event_reason(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_input=False)[0]
    context = detail.get("ctx", {})
    match detail["type"]:
        case "json_invalid":
            return f"not JSON: {context.get('error')}"
        case "union_tag_invalid":
            return f"unknown type {context.get('tag')}"
        case "union_tag_not_found":
            return "no type"
        case _:
            # The place starts with the union's tag, which says nothing new.
            return reason_of(error).removeprefix(f"{detail['loc'][0]}." if detail["loc"] else "")
