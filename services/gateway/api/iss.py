"""`/api/v1/iss/...`: position, history, chart, trend, elements."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal, Self

from aiohttp import web
from pydantic import Field, model_validator

from libs.common.events import IssElementsEvent
from services.gateway.answers import send_ready
from services.gateway.api.cached import PageParams, Window, cached, uncached
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
from services.gateway.routing import OldParams, Params, Route, Time
from services.gateway.trend import Trend, trend_of

MAX_PAGE = 1_000
MAX_POINTS = 5_000

# A page that reaches into the present grows with every fix; a page of the past stays as it is.
OPEN_PAGE = Kind("iss_positions_open", fresh_s=5.0, stale_s=10.0)
CLOSED_PAGE = Kind("iss_positions", fresh_s=300.0)
# The last fix of a window may still be on its way to its table.
_COMPLETE_AFTER = timedelta(minutes=1)
ELEMENTS = Kind("iss_elements", fresh_s=300.0, changed_by=frozenset({IssElementsEvent.TYPE}))


class PositionsPageParams(Window):
    """A page of positions."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = Field(
        default=100, description="Positions of a page."
    )
    cursor: Annotated[str, Field(max_length=2_000)] | None = Field(
        default=None, description="`next` of the page before."
    )
    order: Literal["asc", "desc"] = "desc"

    @property
    def size(self) -> int:
        """The number of positions of a page."""
        return self.limit


_Points = Annotated[int, Field(ge=2, le=MAX_POINTS)]


class ChartParams(Window):
    """A chart of positions."""

    since: Time = Field(alias="from", examples=["2026-03-01T00:00:00Z"])
    points: _Points = Field(description="Buckets at most.")

    @property
    def size(self) -> int:
        """The number of buckets."""
        return self.points


class PositionsParams(PositionsPageParams):
    """A page of positions, or with `points` a chart of them."""

    points: _Points | None = Field(
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
        return self

    @property
    def chart(self) -> ChartParams | None:
        """The chart that is asked for; None if a page is."""
        if self.points is None or self.since is None:
            return None
        return ChartParams.model_construct(since=self.since, until=self.until, points=self.points)


class PositionsPage(Page):
    """A page of positions."""

    items: list[Position]


class TrendParams(OldParams):
    """How many fixes back; unknown parameters are ignored, as the earlier systems did."""

    limit: Annotated[int, Field(ge=2, le=RECENT_FIXES)] = 2


class ElementsParams(PageParams, Window):
    """A page of sets of elements; the window is one of epochs."""


def _newest(application: web.Application) -> Ready | None:
    return application[LATEST].iss.position


async def position(app: web.Application, _: Params) -> Position | None:
    """Return where the station is now; null before the first position."""
    newest = app[LATEST].iss.newest
    return Position.of_event(newest) if newest else None


async def send_position(request: web.Request, _: Params) -> web.StreamResponse:
    """Answer the newest position, from memory."""
    ready = _newest(request.app)
    if ready is None:
        raise unavailable("no position has come yet")
    return send_ready(request, ready, request.app[CLOCK].now())


async def positions(app: web.Application, params: PositionsPageParams) -> PositionsPage:
    """Return where the station was, the newest first unless ordered otherwise."""
    found = await app[REPOSITORIES].positions.page(
        since=params.since,
        until=params.until,
        direction=params.order,
        cursor=params.cursor,
        limit=params.limit,
    )
    items = [Position.of_event(row.event, row.stored_at) for row in found.items]
    # Not validated again: the events already were.
    return PositionsPage.model_construct(items=items, next=found.next)


async def positions_chart(app: web.Application, params: ChartParams) -> PositionsChart:
    """Return where the station was as a chart: min, avg, max of each bucket, and gaps.

    Raises:
        ProblemError: 422: the window is empty.
    """
    until = params.until or app[CLOCK].now()
    if params.since >= until:
        raise invalid_parameter("from", "expected a time before `to`, which is now by default")
    shape = cut(params.since, until, params.points)
    return PositionsChart.model_construct(
        since=shape.start,
        until=shape.end,
        bucket_s=shape.width.total_seconds(),
        grain=shape.grain,
        buckets=await app[REPOSITORIES].charts.positions(shape, until),
    )


async def send_positions(request: web.Request, params: PositionsParams) -> web.StreamResponse:
    """Answer a page of stored positions, or a chart of them."""
    now = request.app[CLOCK].now()
    kind = CLOSED_PAGE if params.until and params.until < now - _COMPLETE_AFTER else OPEN_PAGE
    if chart := params.chart:
        return await cached(kind, positions_chart)(request, chart)
    return await cached(kind, positions)(request, params)


async def trend(app: web.Application, params: TrendParams) -> Trend:
    """Return how the station moved over its last fixes."""
    return trend_of(app[LATEST].iss.recent(params.limit))


async def elements(app: web.Application, params: ElementsParams) -> ElementsPage:
    """Return sets of orbital elements of the station, the newest first."""
    found = await app[REPOSITORIES].positions.elements(
        since=params.since, until=params.until, cursor=params.cursor, limit=params.limit
    )
    return ElementsPage(items=found.items, next=found.next)


ROUTES = (
    Route(
        path="/api/v1/iss/position",
        handler=send_position,
        summary="Where the station is now.",
        tag="iss",
        answer=Position,
        graph={"position": position},
        latest=_newest,
        problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
    ),
    Route(
        path="/api/v1/iss/positions",
        handler=send_positions,
        summary="Where the station was: in pages, or with `points` as a chart with min, avg, max.",
        tag="iss",
        params=PositionsParams,
        answer=PositionsPage | PositionsChart,
        graph={"positions": positions, "positions_chart": positions_chart},
        problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
        cache="5 s; 5 minutes when `to` is more than a minute past",
    ),
    Route(
        path="/api/v1/iss/trend",
        handler=uncached(trend),
        summary="How the station moved over its last fixes.",
        tag="iss",
        params=TrendParams,
        answer=Trend,
        graph={"trend": trend},
    ),
    Route(
        path="/api/v1/iss/elements",
        handler=cached(ELEMENTS, elements),
        summary="The sets of orbital elements, the newest first.",
        tag="iss",
        params=ElementsParams,
        answer=ElementsPage,
        graph={"elements": elements},
        problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
        cache="5 minutes, or until newer elements come",
    ),
)
