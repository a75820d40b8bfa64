"""`/api/v1/iss/track` and `/api/v1/iss/passes`: computed on request by `ingest_iss`."""

import math
from http import HTTPStatus
from typing import Annotated, Self

from aiohttp import web
from pydantic import Field, model_validator

from libs.common.events import IssElementsEvent
from libs.common.questions import (
    MAX_TRACK_POINTS,
    PassesAnswer,
    PassesQuestion,
    TrackAnswer,
    TrackQuestion,
)
from libs.common.topology import COMMANDS_ISS_PASSES, COMMANDS_ISS_TRACK
from services.gateway.api.cached import cached, send_cached
from services.gateway.api.places import PlaceParams
from services.gateway.cache import Kind
from services.gateway.feeds.appointments import passes_calendar
from services.gateway.keys import ASKER, CLOCK
from services.gateway.models.predictions import Passes, Track
from services.gateway.models.sky import Place
from services.gateway.problems import invalid_parameter
from services.gateway.ready import Ready
from services.gateway.routing import CALENDAR, Params, Route, Time

# In this time passes move by less than a second, and a pass that has begun is still listed.
PREDICTIONS = Kind("iss_predictions", fresh_s=300.0, changed_by=frozenset({IssElementsEvent.TYPE}))
# A revolution takes 93 minutes, and half of the revolutions stay below the horizon.
PASSES_PER_DAY = 8
_PROBLEMS = (HTTPStatus.SERVICE_UNAVAILABLE,)
_CACHE = "5 minutes, or until newer elements come"


class TrackParams(Params):
    """Which part of the ground track."""

    since: Time | None = Field(default=None, alias="from", description="Default: now.")
    duration_s: Annotated[float, Field(gt=0, le=864_000, allow_inf_nan=False)] = Field(
        default=11_100.0, description="Two revolutions by default."
    )
    step_s: Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)] = Field(
        default=60.0, description=f"Between points, of which there are {MAX_TRACK_POINTS} at most."
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.duration_s / self.step_s >= MAX_TRACK_POINTS:
            raise invalid_parameter("step_s", f"expected at most {MAX_TRACK_POINTS} points")
        return self

    @property
    def size(self) -> int:
        """The number of points."""
        return int(self.duration_s / self.step_s) + 1


class PassesParams(PlaceParams):
    """Over which place, and when."""

    since: Time | None = Field(default=None, alias="from", description="Default: now.")
    days: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = Field(
        default=10.0, description="Predictions further ahead are guesses: the station is steered."
    )
    min_elevation_deg: Annotated[float, Field(ge=0, lt=90, allow_inf_nan=False)] = 10.0
    visible: bool = Field(default=False, description="Leave out what cannot be seen.")

    @property
    def size(self) -> int:
        """The number of passes: seven or eight a day."""
        return math.ceil(PASSES_PER_DAY * self.days)


async def track(app: web.Application, params: TrackParams) -> Track:
    """Return where the station will be, computed."""
    now = app[CLOCK].now()
    question = TrackQuestion(start=params.since, duration_s=params.duration_s, step_s=params.step_s)
    answer = await app[ASKER].ask(COMMANDS_ISS_TRACK, question, TrackAnswer)
    return Track(
        time=answer.elements.epoch,
        fetched_at=now,
        elements=answer.elements,
        points=answer.points,
    )


async def calendar(request: web.Request, params: PassesParams) -> web.StreamResponse:
    """Answer the passes as a calendar."""

    async def make() -> Ready:
        found = await passes(request.app, params)
        return Ready.of(passes_calendar(found), found.fetched_at, media=CALENDAR)

    return await send_cached(request, PREDICTIONS, params, make)


async def passes(app: web.Application, params: PassesParams) -> Passes:
    """Return when the station passes over a place, computed."""
    now = app[CLOCK].now()
    question = PassesQuestion(
        latitude_deg=params.lat,
        longitude_deg=params.lon,
        elevation_m=params.elevation_m,
        start=params.since,
        days=params.days,
        min_elevation_deg=params.min_elevation_deg,
    )
    answer = await app[ASKER].ask(COMMANDS_ISS_PASSES, question, PassesAnswer)
    return Passes(
        time=answer.elements.epoch,
        fetched_at=now,
        elements=answer.elements,
        location=Place(lat=params.lat, lon=params.lon, elevation_m=params.elevation_m),
        since=answer.start,
        until=answer.end,
        items=[one for one in answer.passes if one.visible or not params.visible],
    )


ROUTES = (
    Route(
        path="/api/v1/iss/track",
        handler=cached(PREDICTIONS, track),
        summary="Where the station will be, computed.",
        tag="iss",
        params=TrackParams,
        answer=Track,
        graph={"track": track},
        problems=_PROBLEMS,
        cost=2,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/iss/passes",
        handler=cached(PREDICTIONS, passes),
        summary="When the station passes over a place, computed.",
        tag="iss",
        params=PassesParams,
        answer=Passes,
        graph={"passes": passes},
        problems=_PROBLEMS,
        cost=2,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/iss/passes.ics",
        handler=calendar,
        summary="The passes as a calendar to subscribe to.",
        tag="iss",
        params=PassesParams,
        media=CALENDAR,
        problems=_PROBLEMS,
        cost=2,
        cache=_CACHE,
    ),
)
