"""How the positions of a long window are shown with few points."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.gateway.buckets import Grain


# Not models: building the five hundred buckets of a chart as models took longer than the query.
@dataclass(frozen=True, slots=True)
class Extent:
    """The smallest, mean and largest value of a bucket."""

    min: float
    avg: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The positions of one interval; if it has none, all values are null."""

    time: Annotated[datetime, Field(description="Its start; it ends where the next one starts.")]
    samples: Annotated[int, Field(description="How many positions it holds; 0 is a gap.")] = 0
    computed_samples: Annotated[int, Field(description="How many of them were computed.")] = 0
    last_time: Annotated[datetime | None, Field(description="Of its newest position.")] = None
    latitude_deg: Extent | None = None
    altitude_km: Extent | None = None
    velocity_kmh: Extent | None = None
    last_latitude_deg: Annotated[float | None, Field(description="Of its newest position.")] = None
    last_longitude_deg: Annotated[
        float | None,
        Field(description="Of its newest position; a mean of angles that jump says nothing."),
    ] = None


class PositionsChart(BaseModel):
    """Positions in buckets of one width, gaps included."""

    since: datetime = Field(
        serialization_alias="from", description="Start of the first bucket: whole grains."
    )
    until: datetime = Field(serialization_alias="to", description="End of the last bucket.")
    bucket_s: float = Field(description="Width of every bucket, in seconds.")
    grain: Grain = Field(description="What the buckets are summed up from.")
    buckets: list[Bucket]
