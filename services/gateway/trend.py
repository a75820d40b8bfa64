"""The station's movement over its last fixes, as the earlier systems answered it."""

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from pydantic import BaseModel, Field

from libs.common.events import IssPosition, IssPositionEvent

# The sphere that the earlier systems measured on.
EARTH_RADIUS_KM = 6_371.0
# Up to this distance the earlier systems called the station unmoved.
MOVEMENT_KM = 0.1


class Trend(BaseModel):
    """Movement between two fixes; the names are those of the earlier systems."""

    movement: bool = Field(description="Whether it moved by more than 100 m.")
    delta_km: float = Field(description="Great-circle distance, summed from fix to fix.")
    dt_sec: float
    velocity_kmh: float | None = Field(description="Of the last fix.")
    from_time: datetime | None
    to_time: datetime | None
    from_lat: float | None
    from_lon: float | None
    to_lat: float | None
    to_lon: float | None


def trend_of(fixes: Sequence[IssPositionEvent]) -> Trend:
    """Return the movement over fixes in the order of their time; less than two show none."""
    if len(fixes) < 2:  # noqa: PLR2004 - a movement has two ends
        return Trend(
            movement=False,
            delta_km=0.0,
            dt_sec=0.0,
            velocity_kmh=None,
            from_time=None,
            to_time=None,
            from_lat=None,
            from_lon=None,
            to_lat=None,
            to_lon=None,
        )
    first, last = fixes[0], fixes[-1]
    delta_km = sum(great_circle_km(a.data, b.data) for a, b in pairwise(fixes))
    return Trend(
        movement=delta_km > MOVEMENT_KM,
        delta_km=delta_km,
        dt_sec=(last.time - first.time).total_seconds(),
        velocity_kmh=last.data.velocity_kmh,
        from_time=first.time,
        to_time=last.time,
        from_lat=first.data.latitude_deg,
        from_lon=first.data.longitude_deg,
        to_lat=last.data.latitude_deg,
        to_lon=last.data.longitude_deg,
    )


def great_circle_km(a: IssPosition, b: IssPosition) -> float:
    """Return the distance on the sphere by the haversine formula, exact for short ones too."""
    lat_a, lat_b = math.radians(a.latitude_deg), math.radians(b.latitude_deg)
    half_lat = (lat_b - lat_a) / 2
    half_lon = math.radians(b.longitude_deg - a.longitude_deg) / 2
    h = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h)))
