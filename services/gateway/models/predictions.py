"""How predictions of the station are shown."""

from datetime import datetime

from pydantic import BaseModel, Field

from libs.common.events import Origin
from libs.common.questions import ElementsInUse, Pass, TrackPoint
from services.gateway.models.sky import Place


class Prediction(BaseModel):
    """What a prediction rests on."""

    time: datetime = Field(description="Of the elements: their epoch.")
    fetched_at: datetime = Field(description="When it was computed.")
    stored_at: None = Field(default=None, description="Always null: predictions are not stored.")
    origin: Origin = Origin.COMPUTED
    provider: str = "sgp4"
    elements: ElementsInUse = Field(
        description="What they say of this window: they age with its distance from their epoch."
    )


class Track(Prediction):
    """Where the station will be."""

    points: list[TrackPoint]


class Passes(Prediction):
    """When the station passes over a place, in the order of the culminations.

    Elevation is geometric, without refraction; azimuth counts from north through east. A pass is
    `visible` when at some moment the station is in sunlight and the place in the dark.
    """

    location: Place
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    items: list[Pass]
