"""The questions that services ask one another, and the answers."""

from datetime import timedelta
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from libs.common.events import AstroEvent, AstroKind

LONGEST_WINDOW = timedelta(days=366)
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Elevation = Annotated[float, Field(ge=-500, le=9_000)]
MAX_TRACK_POINTS = 3_000


class Question(BaseModel):
    """A question; a subclass adds its fields. `ask` sets `expires_at`."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    expires_at: AwareDatetime | None = None


class Answer(BaseModel):
    """What all answers have in common."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class AstroEventsQuestion(Question):
    """Which events does a place have in a window of at most 366 days (`astro.events`)?

    Without latitude and longitude only those that are the same for the whole Earth. `kinds` None
    asks for all.
    """

    latitude_deg: Latitude | None = None
    longitude_deg: Longitude | None = None
    elevation_m: Elevation = 0.0
    start: AwareDatetime
    end: AwareDatetime
    kinds: Annotated[frozenset[AstroKind], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _sensible(self) -> "AstroEventsQuestion":
        if (self.latitude_deg is None) != (self.longitude_deg is None):
            raise ValueError("latitude_deg, longitude_deg: expected both or neither")
        if not timedelta(0) < self.end - self.start <= LONGEST_WINDOW:
            raise ValueError(f"end: expected after start by at most {LONGEST_WINDOW.days} days")
        return self


class AstroHappening(Answer):
    """One event of the answer, and the time of its peak."""

    time: AwareDatetime
    event: AstroEvent


class AstroEventsAnswer(Answer):
    """The events in the order of their peaks."""

    provider: str
    computed_at: AwareDatetime
    events: list[AstroHappening]


class PassesQuestion(Question):
    """When does the station pass over a place (`iss.passes`)? From this minute, by default."""

    latitude_deg: Latitude
    longitude_deg: Longitude
    elevation_m: Elevation = 0.0
    start: AwareDatetime | None = None
    days: Annotated[float, Field(gt=0, le=10)] = 10.0
    min_elevation_deg: Annotated[float, Field(ge=0, lt=90)] = 10.0


class PassMoment(Answer):
    """Where the station stands at one moment of a pass.

    Elevation is geometric, without refraction; azimuth counts from north through east.
    """

    time: AwareDatetime
    azimuth_deg: float
    elevation_deg: float
    range_km: float
    sunlit: bool


class Pass(Answer):
    """One pass: from rising above the minimum elevation to sinking below it.

    `visible` tells whether, at some moment, the station is in sunlight and the observer in the
    dark (the Sun at least 6 deg below the horizon); the four fields after it say when, and how
    bright it then gets: an estimate, an apparent visual magnitude.
    """

    rise: PassMoment
    culmination: PassMoment
    set: PassMoment
    visible: bool
    visible_from: AwareDatetime | None = None
    visible_to: AwareDatetime | None = None
    brightest_at: AwareDatetime | None = None
    magnitude: float | None = None


class ElementsInUse(Answer):
    """The elements that a prediction rests on.

    `age_s` counts from their epoch to that end of the window which is further away, and is
    negative if that end lies before the epoch. `trusted` is false when the age, in either
    direction, is more than the service's limit.
    """

    epoch: AwareDatetime
    age_s: float
    trusted: bool


class PassesAnswer(Answer):
    """The passes in the order of their culminations."""

    elements: ElementsInUse
    start: AwareDatetime
    end: AwareDatetime
    passes: list[Pass]


class TrackQuestion(Question):
    """Where will the station be, each `step_s` seconds (`iss.track`)? From now, by default."""

    start: AwareDatetime | None = None
    # Two revolutions.
    duration_s: Annotated[float, Field(gt=0, le=864_000)] = 11_100.0
    step_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0

    @model_validator(mode="after")
    def _bounded(self) -> "TrackQuestion":
        if self.duration_s / self.step_s >= MAX_TRACK_POINTS:
            raise ValueError(f"step_s: expected at most {MAX_TRACK_POINTS} points; lengthen it")
        return self


class TrackPoint(Answer):
    """One predicted position; longitude in [-180, 180)."""

    time: AwareDatetime
    latitude_deg: float
    longitude_deg: float
    altitude_km: float
    sunlit: bool


class TrackAnswer(Answer):
    """The ground track, from `start` on, both ends included."""

    elements: ElementsInUse
    points: list[TrackPoint]
