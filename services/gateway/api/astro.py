"""`/api/v1/astro/events`: the events of any place, computed on request by `ingest_astro`."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Self

from aiohttp import web
from pydantic import BeforeValidator, Field, model_validator

from libs.common.errors import DependencyUnavailableError
from libs.common.events import AstroEventEvent, AstroKind
from libs.common.questions import LONGEST_WINDOW, AstroEventsAnswer, AstroEventsQuestion
from libs.common.topology import COMMANDS_ASTRO_EVENTS
from services.gateway.api.cached import Window, model_ready, send_cached
from services.gateway.api.places import ElevationM, Latitude, Longitude
from services.gateway.cache import Kind
from services.gateway.feeds.appointments import sky_calendar
from services.gateway.keys import ASKER, CLOCK, REPOSITORIES
from services.gateway.models.sky import Place, SkyEvent, SkyEvents, computed_events
from services.gateway.problems import ProblemError, invalid_parameter
from services.gateway.ready import Ready
from services.gateway.routing import CALENDAR, OldParams, Route

# Computed events do not change, whatever is published meanwhile.
COMPUTED = Kind("astro_events", fresh_s=21_600.0)
STORED = Kind(
    "astro_events_stored", fresh_s=60.0, stale_s=0.0, changed_by=frozenset({AstroEventEvent.TYPE})
)
_PROBLEMS = (HTTPStatus.SERVICE_UNAVAILABLE,)
DAYS = 7
# Sun and Moon rise and set, which is four a day; all other events add about one.
EVENTS_PER_DAY = 5


def _listed(value: object) -> object:
    return tuple(value.split(",")) if isinstance(value, str) else value


Kinds = Annotated[
    tuple[AstroKind, ...],
    # A text never becomes an empty list: "" is a list of one item, which is refused itself.
    Field(max_length=len(AstroKind), json_schema_extra={"minItems": 1}),
    BeforeValidator(_listed),
]


class EventsParams(Window):
    """Which events: those of a place, or without one those of the whole Earth."""

    # The earlier systems had this path too, and ignored unknown parameters.
    model_config = OldParams.model_config

    lat: Latitude | None = Field(
        default=None,
        description="Degrees north; without a place, what is the same for the whole Earth.",
        examples=[55.7558],
    )
    lon: Longitude | None = Field(default=None, description="Degrees east.", examples=[37.6176])
    elevation_m: ElevationM = Field(default=0.0, description="Above the WGS84 ellipsoid.")
    days: Annotated[int, Field(ge=1, le=LONGEST_WINDOW.days)] | None = Field(
        default=None, description=f"Length of the window without `to`; {DAYS} by default."
    )
    types: Kinds | None = Field(
        default=None,
        description="All by default; in a URL separated by commas.",
        examples=[["moon_phase", "lunar_eclipse"]],
    )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if (self.lat is None) != (self.lon is None):
            raise invalid_parameter(
                "lat" if self.lat is None else "lon", "expected `lat` and `lon`, or neither"
            )
        if self.until is not None and self.days is not None:
            raise invalid_parameter("days", "expected only without `to`")
        # Only GraphQL can send an empty list. `min_length` in the field would report a list whose
        # only item is wrong a second time.
        if self.types == ():
            raise invalid_parameter("types", "expected at least one")
        return self

    @property
    def place(self) -> Place | None:
        """The place; None for the whole Earth."""
        if self.lat is None or self.lon is None:
            return None
        return Place(lat=self.lat, lon=self.lon, elevation_m=self.elevation_m)

    @property
    def size(self) -> int:
        """The number of events, about as many as a place has in the window."""
        if self.since and self.until:
            length = min(self.until - self.since, LONGEST_WINDOW)
        else:
            length = LONGEST_WINDOW if self.until else timedelta(days=self.days or DAYS)
        return EVENTS_PER_DAY * math.ceil(length / timedelta(days=1))

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the start of the window, by default that of the present hour, and its end.

        Raises:
            ProblemError: 422: the window is empty or too long.
        """
        since = self.since or now.replace(minute=0, second=0, microsecond=0)
        until = self.until or since + timedelta(days=self.days or DAYS)
        if not timedelta(0) < until - since <= LONGEST_WINDOW:
            raise invalid_parameter(
                "to", f"expected after `from`, by at most {LONGEST_WINDOW.days} days"
            )
        return since, until


async def sky_events(app: web.Application, params: EventsParams) -> SkyEvents:
    """Return what happens in the sky of a place, or of the whole Earth."""
    try:
        return await _computed(app, params)
    except DependencyUnavailableError:
        # Events of the whole Earth were published, and stored, for more than a year ahead.
        stored = None if params.place else await _stored(app, params)
        if stored is None:
            raise
        return stored


async def events(request: web.Request, params: EventsParams) -> web.StreamResponse:
    """Answer the events of a place and a window."""

    def render(found: SkyEvents) -> Ready:
        return model_ready(request, found)

    return await _send(request, params, render)


async def calendar(request: web.Request, params: EventsParams) -> web.StreamResponse:
    """Answer the same events as a calendar."""

    def render(found: SkyEvents) -> Ready:
        return Ready.of(sky_calendar(found), request.app[CLOCK].now(), media=CALENDAR)

    return await _send(request, params, render)


async def _send(
    request: web.Request, params: EventsParams, render: Callable[[SkyEvents], Ready]
) -> web.StreamResponse:
    since, until = params.window(request.app[CLOCK].now())
    # The key must hold the window, so that the cache tells one hour from the next.
    asked = params.model_copy(update={"since": since, "until": until, "days": None})

    async def compute() -> Ready:
        return render(await _computed(request.app, asked))

    async def look_up() -> Ready | None:
        found = await _stored(request.app, asked)
        return render(found) if found else None

    try:
        return await send_cached(request, COMPUTED, asked, compute, for_now=True)
    except DependencyUnavailableError as error:
        if params.place is not None:
            raise
        try:
            return await send_cached(request, STORED, asked, look_up, for_now=True)
        except ProblemError:
            raise error from None


async def _computed(app: web.Application, params: EventsParams) -> SkyEvents:
    since, until = params.window(app[CLOCK].now())
    question = AstroEventsQuestion(
        latitude_deg=params.lat,
        longitude_deg=params.lon,
        elevation_m=params.elevation_m,
        start=since,
        end=until,
        kinds=frozenset(params.types) if params.types else None,
    )
    answer = await app[ASKER].ask(COMMANDS_ASTRO_EVENTS, question, AstroEventsAnswer)
    return _shown(params, since, until, computed_events(answer))


async def _stored(app: web.Application, params: EventsParams) -> SkyEvents | None:
    since, until = params.window(app[CLOCK].now())
    found = await app[REPOSITORIES].astro.global_events(since, until, params.types)
    return _shown(params, since, until, found) if found else None


def _shown(
    params: EventsParams, since: datetime, until: datetime, events: list[SkyEvent]
) -> SkyEvents:
    days = math.ceil((until - since) / timedelta(days=1))
    return SkyEvents(events=events, location=params.place, days=days, since=since, until=until)


ROUTES = (
    Route(
        path="/api/v1/astro/events",
        handler=events,
        summary="What happens in the sky of a place, or of the whole Earth.",
        tag="astro",
        params=EventsParams,
        answer=SkyEvents,
        graph={"sky_events": sky_events},
        problems=_PROBLEMS,
        cost=3,
        cache="6 hours",
    ),
    Route(
        path="/api/v1/astro/events.ics",
        handler=calendar,
        summary="The same events as a calendar to subscribe to.",
        tag="astro",
        params=EventsParams,
        media=CALENDAR,
        problems=_PROBLEMS,
        cost=3,
        cache="6 hours",
    ),
)
