"""`POST /api/v1/refresh/{what}`, and which clients may ask for fresh data."""

from http import HTTPStatus

from aiohttp import web
from pydantic import Field

from services.gateway.access.access import CLIENT
from services.gateway.answers import send_model
from services.gateway.compatibility.lenient import TAG
from services.gateway.keys import ACCESS, SETTINGS, TRIGGERS
from services.gateway.models.old import Message
from services.gateway.problems import ProblemError, Slug
from services.gateway.routing import OldParams, Route, Scope

# What the earlier system polled under these names.
_SOURCES = {
    "iss": ("ISS", ("iss",)),
    "nasa": ("NASA", ("osdr", "apod", "neo", "flares", "cmes")),
}

# 403: the token lacks the scope, where the settings want one. 503: the broker takes no command.
TRIGGER_PROBLEMS = (HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)


class RefreshParams(OldParams):
    """What to refresh."""

    what: str = Field(description="`iss` or `nasa`.", examples=["iss"])


def allow(request: web.Request) -> None:
    """Let a trigger pass: from every client, unless the settings want a token.

    Raises:
        ProblemError: 401 without a token, 403 with one that lacks the scope.
    """
    if not request.app[SETTINGS].open_triggers:
        request.app[ACCESS].require(request[CLIENT], Scope.REFRESH)


async def refresh(request: web.Request, params: RefreshParams) -> web.StreamResponse:
    """Have sources polled, as far as their limits allow.

    Raises:
        ProblemError: 404 for a name without sources.
    """
    allow(request)
    if params.what not in _SOURCES:
        raise ProblemError(
            HTTPStatus.NOT_FOUND,
            Slug.NOT_FOUND,
            f"there is no source for {params.what}; expected {' or '.join(_SOURCES)}",
        )
    name, sources = _SOURCES[params.what]
    polls = await request.app[TRIGGERS].refresh_all(sources)
    if all(poll.succeeded for poll in polls.values()):
        verdict = "refreshed"
    elif all(poll.is_over for poll in polls.values()):
        verdict = "not all refreshed"
    else:
        # A source has been asked but not polled yet: its limits decide when.
        verdict = "being refreshed"
    reasons = {source: poll.trouble for source, poll in polls.items() if poll.trouble}
    return send_model(request, Message(message=f"{name} data {verdict}", reasons=reasons))


ROUTES = (
    Route(
        path="/api/v1/refresh/{what}",
        method="POST",
        handler=refresh,
        summary="Has sources polled; the message tells whether that is over.",
        tag=TAG,
        params=RefreshParams,
        answer=Message,
        problems=(HTTPStatus.NOT_FOUND, *TRIGGER_PROBLEMS),
        cost=5,
        deprecated=True,
    ),
)
