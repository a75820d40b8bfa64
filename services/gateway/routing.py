"""What a route is: one entry drives routing, validation, limits, OpenAPI and the docs page."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from libs.common.events.envelope import Moment
from services.gateway.ready import JSON, Ready

HTML = "text/html; charset=utf-8"
EVENT_STREAM = "text/event-stream"
CALENDAR = "text/calendar; charset=utf-8"
ATOM = "application/atom+xml; charset=utf-8"


_NUMBER = re.compile(r"[-+]?[0-9_.]+")
_ZONE_WITHOUT_PLUS = re.compile(r" (?=\d\d:?\d\d$)")


def _with_plus(value: object) -> object:
    """Mend a time zone whose plus was not escaped: it arrives as a space."""
    return _ZONE_WITHOUT_PLUS.sub("+", value) if isinstance(value, str) else value


def _written(value: object) -> object:
    """Refuse a number, which pydantic would take for seconds since 1970."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        raise ValueError("expected it as 2026-03-01, a time as 2026-03-01T12:00:00Z")
    return value


Time = Annotated[Moment, BeforeValidator(_with_plus), BeforeValidator(_written)]
"""A time with its zone, as a parameter."""

Day = Annotated[date, BeforeValidator(_written)]
"""A day of UTC, as a parameter."""

# The database cannot hold a text with a zero character.
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
"""A text, as a parameter."""


def digest_of(model: BaseModel) -> str:
    """Return a short text that equal models share."""
    return blake2b(model.model_dump_json().encode(), digest_size=16).hexdigest()


class Params(BaseModel):
    """Parameters from path and query; an unknown parameter is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @cached_property
    def digest(self) -> str:
        """The same for equal parameters, however they were written."""
        return digest_of(self)

    @property
    def size(self) -> int:
        """How many items an answer has at most, or about: GraphQL counts their fields."""
        return 1


class OldParams(Params):
    """Parameters of a path of the earlier systems: unknown ones are ignored, as they did."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Scope(StrEnum):
    """What a token may allow."""

    REFRESH = "refresh"
    EXPORT = "export"
    ADMIN = "admin"


# Takes the request and its parameters, and the body if the route has one.
Handler = Callable[..., Awaitable[web.StreamResponse]]

# Takes the application and parameters; returns a model, or None if there is no such thing. GraphQL
# reads the types from its annotations.
Find = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path.

    Attributes:
        path: The template; `{name}` takes a segment, and `params` has its value as a field `name`.
        handler: Answers a request.
        summary: One sentence for readers of the docs.
        tag: The resource, a heading of the docs.
        answer: The model of the JSON answer; None if `media` is something else.
        media: The content type of the answer.
        params: Path and query parameters.
        body: The model of the JSON body; None if the route takes none.
        problems: What may go wrong here, beside what may go wrong everywhere.
        cost: What a request takes of the client's quota; with 0 it is exempt.
        cache: How answers may be kept, in words for the docs.
        scope: What the client's token must allow; None if every client may call.
        status: The status of a successful answer.
        graph: The fields of GraphQL that ask for the same, and the function that finds each.
        deprecated: Whether it exists for clients of the earlier systems only.
        latest: Returns the latest value that answers a plain request, which may then take the fast
            lane; None if the route answers something else.
    """

    path: str
    handler: Handler
    summary: str
    tag: str
    method: Literal["GET", "POST"] = "GET"
    answer: Any = None
    media: str = JSON
    params: type[Params] = Params
    body: type[BaseModel] | None = None
    problems: tuple[HTTPStatus, ...] = ()
    cost: int = 1
    cache: str = ""
    scope: Scope | None = None
    status: HTTPStatus = HTTPStatus.OK
    graph: Mapping[str, Find] = field(default_factory=dict, hash=False)
    deprecated: bool = False
    latest: Callable[[web.Application], Ready | None] | None = None

    @property
    def has_head(self) -> bool:
        """Whether HEAD is answered too; a stream has no length that it could tell."""
        return self.method == "GET" and self.media != EVENT_STREAM
