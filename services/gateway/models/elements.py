"""How orbital elements are shown."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from services.gateway.models.datum import Datum, Page


class ElementSet(Datum):
    """Mean orbital elements of the station (OMM, SGP4 theory); `time` is their epoch."""

    id: UUID
    epoch: datetime = Field(description="They are valid around this time.")
    norad_id: int
    object_name: str
    object_id: str = Field(description="The international designator.")
    mean_motion_rev_per_day: float
    eccentricity: float
    inclination_deg: float
    raan_deg: float = Field(description="Right ascension of the ascending node.")
    arg_perigee_deg: float
    mean_anomaly_deg: float
    bstar: float = Field(description="Drag term, per Earth radius.")
    mean_motion_dot: float = Field(description="Half the first derivative, rev/day^2.")
    mean_motion_ddot: float = Field(description="A sixth of the second derivative, rev/day^3.")
    element_set_number: int
    revolution_number: int = Field(description="At the epoch.")


class ElementsPage(Page):
    """Sets of elements, the newest first: the first of the first page is in use."""

    items: list[ElementSet]
