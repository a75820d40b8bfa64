"""Places on the Earth as parameters."""

from typing import Annotated

from pydantic import AfterValidator, Field

from services.gateway.routing import Params


def _rounded(degrees: float) -> float:
    """Round to 0.0001 degrees (11 m), so that one place has one answer; turn -0.0 into 0.0."""
    return round(degrees, 4) + 0.0


Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False), AfterValidator(_rounded)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False), AfterValidator(_rounded)]
ElevationM = Annotated[
    float, Field(ge=-500, le=9_000, allow_inf_nan=False), AfterValidator(lambda m: round(m) + 0.0)
]


class PlaceParams(Params):
    """A place."""

    lat: Latitude = Field(description="Degrees north.", examples=[55.7558])
    lon: Longitude = Field(description="Degrees east.", examples=[37.6176])
    elevation_m: ElevationM = Field(default=0.0, description="Above the WGS84 ellipsoid.")
