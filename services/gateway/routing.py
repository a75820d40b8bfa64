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

# The database holds no text with a zero character.
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
"""A text, as a parameter."""


def digest_of(model: BaseModel) -> str:
    """Return a short text that equal models share."""
    return blake2b(model.model_dump_json().encode(), digest_size=16).hexdigest()


class Params(BaseModel):
    """Path and query of a request; a parameter that it does not know is refused by name."""

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
    """The same of an old path: what the old servers ignored is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Scope(StrEnum):
    """What a token may allow."""

    REFRESH = "refresh"
    EXPORT = "export"
    ADMIN = "admin"


# Takes the request and its parameters; of a route with a body, the body as well.
Handler = Callable[..., Awaitable[web.StreamResponse]]

# Takes the application and parameters; returns a model, or None: there is no such thing. GraphQL
# reads from its annotations which.
Find = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path.

    Attributes:
        path: The template; `{name}` takes a segment, a field of that name in `params` its value.
        handler: Answers.
        summary: One sentence for whoever reads the docs.
        tag: The resource, a heading of the docs.
        answer: The model of the JSON answer; None where `media` is something else.
        media: What the answer is.
        params: Path and query parameters.
        body: The model of the JSON body; None where the route takes none.
        problems: What may go wrong here, beside what may go wrong everywhere.
        cost: Of the client's quota; 0 is exempt.
        cache: How answers may be kept, in words for the docs.
        scope: What the client's token must allow; None where everybody may call.
        status: Of an answer without problems.
        graph: The fields of GraphQL that ask for the same, and what finds each.
        deprecated: Whether it exists for clients of the earlier systems only.
        latest: Where a plain request is answered with a latest value, that value: such a request
            may take the fast lane.
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
        """Whether HEAD is answered too; a stream has no end to measure."""
        return self.method == "GET" and self.media != EVENT_STREAM
