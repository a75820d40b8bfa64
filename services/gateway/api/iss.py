"""`/api/v1/iss/...`: position, history, chart, trend, elements."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal, Self

from aiohttp import web
from pydantic import Field, model_validator

from libs.common.events import IssElementsEvent
from services.gateway.answers import send_model, send_ready
from services.gateway.api.cached import (
    PageParams,
    Window,
    model_ready,
    page_ready,
    send_cached,
)
from services.gateway.buckets import cut
from services.gateway.cache import Kind
from services.gateway.keys import CLOCK, LATEST, REPOSITORIES
from services.gateway.latest import RECENT_FIXES
from services.gateway.models.charts import PositionsChart
from services.gateway.models.elements import ElementsPage
from services.gateway.models.told import Page
from services.gateway.positions import Position
from services.gateway.problems import invalid_parameter, unavailable
from services.gateway.ready import Ready
from services.gateway.routing import OldParams, Params, Route
from services.gateway.trend import Trend, trend_of

MAX_PAGE = 1_000
MAX_POINTS = 5_000

# A page that reaches into the present grows with every fix; one of the past stays as it is.
OPEN_PAGE = Kind("iss_positions_open", fresh_s=5.0, stale_s=10.0)
CLOSED_PAGE = Kind("iss_positions", fresh_s=300.0)
# The last fix of a window may still be on its way to its table.
_COMPLETE_AFTER = timedelta(minutes=1)
ELEMENTS = Kind("iss_elements", fresh_s=300.0, changed_by=frozenset({IssElementsEvent.TYPE}))


class PositionsParams(Window):
    """A page of positions, or with `points` a chart of them."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = Field(
        default=100, description="Positions of a page."
    )
    cursor: Annotated[str, Field(max_length=2_000)] | None = Field(
        default=None, description="`next` of the page before."
    )
    order: Literal["asc", "desc"] = "desc"
    points: Annotated[int, Field(ge=2, le=MAX_POINTS)] | None = Field(
        default=None,
        description="Answer a chart of at most so many buckets instead of a page; needs `from`.",
    )

    @model_validator(mode="after")
    def _chart_or_page(self) -> Self:
        if self.points is None:
            return self
        for name in ("limit", "cursor", "order"):
            if name in self.model_fields_set:
                raise invalid_parameter(name, "expected only without `points`")
        if self.since is None:
            raise invalid_parameter("from", "expected with `points`")
        if self.since == self.until:
            raise invalid_parameter("from", "expected a time before `to`")
        return self


class PositionsPage(Page):
    """A page of positions."""

    items: list[Position]


class TrendParams(OldParams):
    """How far back; the path is an old one, too."""

    limit: Annotated[int, Field(ge=2, le=RECENT_FIXES)] = 2


class ElementsParams(PageParams, Window):
    """A page of sets of elements; the window is that of their epochs."""


def _newest(application: web.Application) -> Ready | None:
    return application[LATEST].iss.position


async def position(request: web.Request, _: Params) -> web.StreamResponse:
    """Answer the newest position, from memory."""
    ready = _newest(request.app)
    if ready is None:
        raise unavailable("no position has come yet")
    return send_ready(request, ready, request.app[CLOCK].now())


async def positions(request: web.Request, params: PositionsParams) -> web.StreamResponse:
    """Answer a page of stored positions, or a chart of them."""

    async def page() -> Ready:
        found = await request.app[REPOSITORIES].positions.page(
            since=params.since,
            until=params.until,
            direction=params.order,
            cursor=params.cursor,
            limit=params.limit,
        )
        items = [Position.of_event(row.event, row.stored_at) for row in found.items]
        # Not validated again: the events were.
        return page_ready(
            request, PositionsPage.model_construct(items=items, next=found.next), items
        )

    now = request.app[CLOCK].now()
    kind = CLOSED_PAGE if params.until and params.until < now - _COMPLETE_AFTER else OPEN_PAGE
    if params.points is None:
        return await send_cached(request, kind, params, page)
    return await send_cached(request, kind, params, lambda: _chart(request, params))


async def _chart(request: web.Request, params: PositionsParams) -> Ready:
    since, until = params.since, params.until or request.app[CLOCK].now()
    if since is None or params.points is None or since >= until:
        raise invalid_parameter("from", "expected a time before `to`, which is now by default")
    shape = cut(since, until, params.points)
    chart = PositionsChart.model_construct(
        since=shape.start,
        until=shape.end,
        bucket_s=shape.width.total_seconds(),
        grain=shape.grain,
        buckets=await request.app[REPOSITORIES].charts.positions(shape, until),
    )
    return model_ready(request, chart)


async def trend(request: web.Request, params: TrendParams) -> web.StreamResponse:
    """Answer the movement over the last fixes, from memory."""
    return send_model(request, trend_of(request.app[LATEST].iss.recent(params.limit)))


async def elements(request: web.Request, params: ElementsParams) -> web.StreamResponse:
    """Answer a page of sets of elements."""

    async def make() -> Ready:
        found = await request.app[REPOSITORIES].positions.elements(
            since=params.since, until=params.until, cursor=params.cursor, limit=params.limit
        )
        return page_ready(request, ElementsPage(items=found.items, next=found.next), found.items)

    return await send_cached(request, ELEMENTS, params, make)


ROUTES = (
    Route(
        path="/api/v1/iss/position",
        handler=position,
        summary="Where the station is now.",
        tag="iss",
        answer=Position,
        latest=_newest,
        problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
    ),
    Route(
        path="/api/v1/iss/positions",
        handler=positions,
        summary="Where the station was: in pages, or with `points` as a chart with min, avg, max.",
        tag="iss",
        params=PositionsParams,
        answer=PositionsPage | PositionsChart,
        problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
        cache="5 s; 5 minutes when `to` is more than a minute past",
    ),
    Route(
        path="/api/v1/iss/trend",
        handler=trend,
        summary="How the station moved over its last fixes.",
        tag="iss",
        params=TrendParams,
        answer=Trend,
    ),
    Route(
        path="/api/v1/iss/elements",
        handler=elements,
        summary="The sets of orbital elements, the newest first.",
        tag="iss",
        params=ElementsParams,
        answer=ElementsPage,
        problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
        cache="5 minutes, or until newer elements come",
    ),
)
