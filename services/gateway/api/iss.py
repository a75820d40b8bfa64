"""`/api/v1/iss/...`: position, history, trend."""

from datetime import datetime
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from services.gateway.answers import send_model, send_ready
from services.gateway.cursor import Cursor
from services.gateway.keys import CLOCK, LATEST, REPOSITORY
from services.gateway.latest import RECENT_FIXES
from services.gateway.positions import Position
from services.gateway.problems import invalid_parameter, parse_query, unavailable
from services.gateway.trend import trend_of

MAX_PAGE = 1_000


class Query(BaseModel):
    """A query: parameters that it does not know are refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PositionsQuery(Query):
    """The query of `iss/positions`: times with a zone, `from` included, `to` excluded."""

    until: AwareDatetime | None = Field(default=None, alias="to")
    since: AwareDatetime | None = Field(default=None, alias="from")
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100
    cursor: Annotated[str, Field(max_length=200)] | None = None
    order: Literal["asc", "desc"] = "desc"

    @field_validator("since")
    @classmethod
    def _before_until(cls, since: datetime | None, info: ValidationInfo) -> datetime | None:
        until = info.data.get("until")
        if since and until and since > until:
            raise ValueError("expected a time before `to`")
        return since


class PositionsPage(BaseModel):
    """A page of positions."""

    items: list[Position]
    next: str | None = Field(description="The `cursor` of the next page; null on the last.")


class TrendQuery(Query):
    """The query of `iss/trend`."""

    limit: Annotated[int, Field(ge=2, le=RECENT_FIXES)] = 2


async def position(request: web.Request) -> web.Response:
    """Answer the newest position, from memory."""
    parse_query(request, Query)
    ready = request.app[LATEST].position
    if ready is None:
        raise unavailable("no position has come yet")
    return send_ready(request, ready, request.app[CLOCK].now())


async def positions(request: web.Request) -> web.Response:
    """Answer a page of stored positions."""
    query = parse_query(request, PositionsQuery)
    try:
        after = Cursor.decode(query.cursor) if query.cursor else None
    except ValueError as error:
        raise invalid_parameter("cursor", str(error)) from None
    rows = await request.app[REPOSITORY].positions(
        since=query.since,
        until=query.until,
        after=after,
        order=query.order,
        # One more than asked for tells whether there is a next page.
        limit=query.limit + 1,
    )
    page = rows[: query.limit]
    cursor = None
    if len(rows) > query.limit:
        last = page[-1].event
        cursor = Cursor(last.time, last.id).encode()
    document = PositionsPage.model_construct(
        items=[Position.of_event(row.event, row.stored_at) for row in page], next=cursor
    )
    return send_model(document, _link_to_next(request, cursor))


async def trend(request: web.Request) -> web.Response:
    """Answer the movement over the last fixes, from memory."""
    query = parse_query(request, TrendQuery)
    return send_model(trend_of(request.app[LATEST].recent(query.limit)))


def _link_to_next(request: web.Request, cursor: str | None) -> dict[str, str]:
    if cursor is None:
        return {}
    url = request.rel_url.update_query(cursor=cursor)
    return {"Link": f'<{url}>; rel="next"'}


def routes() -> list[Any]:
    """Return the routes of this resource."""
    return [
        web.get("/api/v1/iss/position", position),
        web.get("/api/v1/iss/positions", positions),
        web.get("/api/v1/iss/trend", trend),
    ]
