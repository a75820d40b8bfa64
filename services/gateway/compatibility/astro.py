"""`/api/astro/events`: what happens in the sky, in the form of AstronomyAPI's table."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field

from libs.common.events import AstroEvent, AstroKind
from libs.common.questions import AstroEventsAnswer, AstroEventsQuestion, AstroHappening
from libs.common.topology import COMMANDS_ASTRO_EVENTS
from services.gateway.api.cached import model_ready, send_cached
from services.gateway.cache import Kind
from services.gateway.compatibility.lenient import TAG, number, whole
from services.gateway.keys import ASKER, CLOCK
from services.gateway.models.old import Stamp
from services.gateway.ready import Ready
from services.gateway.routing import OldParams, Route

# As long as the earlier systems kept it; computed events do not change.
TABLE = Kind("old_astro_events", fresh_s=21_600.0)
# The place that the earlier systems took when the client named none.
_LATITUDE, _LONGITUDE = 55.7558, 37.6176
_ECLIPSES = {AstroKind.SOLAR_ECLIPSE, AstroKind.LUNAR_ECLIPSE}
# AstronomyAPI's names for the moments of an eclipse.
_MOMENTS = {
    "penumbral_start": "penumbralStart",
    "partial_start": "partialStart",
    "peak": "peak",
    "partial_end": "partialEnd",
    "penumbral_end": "penumbralEnd",
}
_TOTALITY = {
    AstroKind.SOLAR_ECLIPSE: {"total_start": "totalStart", "total_end": "totalEnd"},
    AstroKind.LUNAR_ECLIPSE: {"total_start": "fullStart", "total_end": "fullEnd"},
}


class TableParams(OldParams):
    """Where, and for how long."""

    lat: Annotated[float, *number(_LATITUDE, -90, 90)] = _LATITUDE
    lon: Annotated[float, *number(_LONGITUDE, -180, 180)] = _LONGITUDE
    days: Annotated[int, *whole(7, 1, 30)] = 7


class Span(BaseModel):
    """The window of time."""

    since: Stamp = Field(serialization_alias="from")
    until: Stamp = Field(serialization_alias="to")


class Location(BaseModel):
    """The place that the events hold for."""

    longitude: float
    latitude: float
    elevation: float


class Observer(BaseModel):
    """The observer of the events."""

    location: Location


class Body(BaseModel):
    """A celestial body."""

    id: str = Field(examples=["moon"])
    name: str = Field(examples=["Moon"])


class Highlight(BaseModel):
    """One moment of an event."""

    date: Stamp
    altitude: float | None = Field(description="Degrees above the horizon.")


class Cell(BaseModel):
    """One event."""

    type: str = Field(examples=["total_lunar_eclipse"])
    name: str
    highlights: dict[str, Highlight | None] = Field(
        serialization_alias="eventHighlights", description="By the moment's name; `peak` is there."
    )
    rise: Stamp | None
    set: Stamp | None
    extra: dict[str, float | None] = Field(serialization_alias="extraInfo")


class TableRow(BaseModel):
    """A body and its events."""

    entry: Body
    cells: list[Cell]


class Table(BaseModel):
    """A row for each body."""

    header: list[str]
    rows: list[TableRow]


class TableData(BaseModel):
    """The window, the place and the events."""

    dates: Span
    observer: Observer
    table: Table


class AstronomyBody(BaseModel):
    """The answer, in the form of AstronomyAPI's body."""

    data: TableData


async def events(request: web.Request, params: TableParams) -> web.StreamResponse:
    """Answer the events of a place, from now on."""
    app = request.app
    since = app[CLOCK].now().replace(minute=0, second=0, microsecond=0)
    question = AstroEventsQuestion(
        latitude_deg=round(params.lat, 4),
        longitude_deg=round(params.lon, 4),
        start=since,
        end=since + timedelta(days=params.days),
    )

    async def make() -> Ready:
        answer = await app[ASKER].ask(COMMANDS_ASTRO_EVENTS, question, AstroEventsAnswer)
        return model_ready(request, table_of(question, answer.events))

    # The question is the cache key: it holds the place, and the hour in which the window starts.
    return await send_cached(request, TABLE, question, make, for_now=True)


def table_of(question: AstroEventsQuestion, found: Sequence[AstroHappening]) -> AstronomyBody:
    """Return events as a table: a row for each body, a cell for each of its events."""
    by_body: dict[str, list[Cell]] = {}
    for happening in found:
        cell = cell_of(happening.event, happening.time)
        for body in happening.event.bodies[:1] or ["sky"]:
            by_body.setdefault(body, []).append(cell)
    longest = max((len(cells) for cells in by_body.values()), default=0)
    return AstronomyBody(
        data=TableData(
            dates=Span(since=question.start, until=question.end),
            observer=Observer(
                location=Location(
                    longitude=question.longitude_deg or 0.0,
                    latitude=question.latitude_deg or 0.0,
                    elevation=question.elevation_m,
                )
            ),
            table=Table(
                header=[f"event {index + 1}" for index in range(longest)],
                rows=[
                    TableRow(entry=Body(id=body, name=body.capitalize()), cells=cells)
                    for body, cells in sorted(by_body.items())
                ],
            ),
        )
    )


def cell_of(event: AstroEvent, peak: datetime) -> Cell:
    """Return an event as AstronomyAPI writes one."""
    names = _MOMENTS | _TOTALITY.get(event.kind, {})
    highlights: dict[str, Highlight | None] = {
        names[contact.name]: Highlight(date=contact.time, altitude=contact.altitude_deg)
        for contact in event.contacts
        if contact.name in names
    }
    highlights.setdefault("peak", Highlight(date=peak, altitude=event.altitude_deg))
    is_rise_or_set = event.kind in {AstroKind.SUN_RISE_SET, AstroKind.MOON_RISE_SET}
    extra: dict[str, Any] = {"obscuration": event.obscuration, "magnitude": event.magnitude}
    return Cell(
        type=f"{event.variant}_{event.kind}" if event.kind in _ECLIPSES else event.kind,
        name=event.title,
        highlights=highlights,
        rise=peak if is_rise_or_set and event.variant == "rise" else None,
        set=peak if is_rise_or_set and event.variant == "set" else None,
        extra=extra,
    )


ROUTES = (
    Route(
        path="/api/astro/events",
        handler=events,
        summary="What happens in the sky of a place, as AstronomyAPI writes it.",
        tag=TAG,
        params=TableParams,
        answer=AstronomyBody,
        problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
        cost=3,
        cache="6 hours",
        deprecated=True,
    ),
)
