"""Events of the International Space Station."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from libs.common.clock import unix_microseconds
from libs.common.events.envelope import (
    Count,
    Event,
    Latitude,
    Longitude,
    Moment,
    Name,
    Provenance,
    Recorded,
    Strict,
)

# The catalogue's numbers have nine digits at most.
NoradId = Annotated[int, Field(gt=0, le=999_999_999)]
# From re-entry to well above any boost; an altitude outside of this is not the station's.
LOWEST_KM, HIGHEST_KM = 100, 2_000


class IssPosition(Strict):
    """Where the International Space Station is at the envelope's `time`.

    Velocity is the inertial speed; the footprint is the diameter of the circle on the ground from
    which the station is above the horizon. `visibility` tells whether it is in sunlight or in the
    Earth's shadow, None where the upstream did not say. The three `elements_*` fields are set on
    computed positions only: `elements_age_s` is `time` minus `elements_epoch`, and
    `elements_trusted` is false when that is more than the service's limit.
    `source_url` is the requested URL, or `computed:<model>` for a computed position.
    `upstream_body` is the body as received; for a computed position it is made with the same keys.
    """

    norad_id: NoradId
    name: Name
    latitude_deg: Latitude
    longitude_deg: Longitude
    altitude_km: Annotated[float, Field(ge=LOWEST_KM, le=HIGHEST_KM)]
    velocity_kmh: Annotated[float, Field(ge=20_000, le=35_000)]
    footprint_km: Annotated[float, Field(gt=0, le=20_100)]
    visibility: Literal["daylight", "eclipsed"] | None = None
    solar_latitude_deg: Latitude
    solar_longitude_deg: Longitude
    source_url: Name
    upstream_body: dict[str, Any]
    elements_epoch: Moment | None = None
    elements_age_s: float | None = None
    elements_trusted: bool | None = None


class IssElements(Recorded):
    """Mean orbital elements of the station (OMM, SGP4 theory), valid around `epoch`.

    `upstream_body` is the record as received.
    """

    norad_id: NoradId
    object_name: Name
    object_id: Name
    epoch: Moment
    mean_motion_rev_per_day: Annotated[float, Field(ge=10, le=17)]
    eccentricity: Annotated[float, Field(ge=0, lt=1)]
    inclination_deg: Annotated[float, Field(ge=0, le=180)]
    raan_deg: Annotated[float, Field(ge=0, le=360)]
    arg_perigee_deg: Annotated[float, Field(ge=0, le=360)]
    mean_anomaly_deg: Annotated[float, Field(ge=0, le=360)]
    bstar: float
    mean_motion_dot: float
    mean_motion_ddot: float
    element_set_number: Count
    revolution_number: Count

    def __hash__(self) -> int:
        """Return a hash for caches of what is computed from elements; a record is not hashable."""
        return hash((self.norad_id, self.epoch))


class IssPositionEvent(Event):
    """One position of the station."""

    SOURCE = "/cassiopeia/ingest_iss"
    TYPE = "cassiopeia.iss.position.v1"

    type: Literal["cassiopeia.iss.position.v1"]
    data: IssPosition

    @classmethod
    def of_position(cls, data: IssPosition, *, time: datetime, provenance: Provenance) -> Self:
        """Wrap a position; one per station, provider and moment."""
        return cls.of(
            data,
            time=time,
            provenance=provenance,
            subject=str(data.norad_id),
            key=f"{data.norad_id}:{provenance.provider}:{unix_microseconds(time)}",
        )


class IssElementsEvent(Event):
    """One set of elements of the station; `time` is their epoch."""

    SOURCE = "/cassiopeia/ingest_iss"
    TYPE = "cassiopeia.iss.elements.v1"

    type: Literal["cassiopeia.iss.elements.v1"]
    data: IssElements

    @classmethod
    def of_elements(cls, data: IssElements, *, provenance: Provenance) -> Self:
        """Wrap a set of elements; one per station and content."""
        return cls.of(
            data,
            time=data.epoch,
            provenance=provenance,
            subject=str(data.norad_id),
            key=data.content,
        )
