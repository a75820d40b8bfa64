"""How positions are shown."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from libs.common.events import IssPositionEvent
from services.gateway.models.told import Told


class Elements(BaseModel):
    """The elements that a computed position rests on."""

    epoch: datetime
    age_s: float = Field(description="From their epoch to the position's time.")
    trusted: bool = Field(description="False when they are older than the service's limit.")


class Position(Told):
    """A position of the station; `stored_at` is null while it comes from memory."""

    id: UUID
    source_url: str
    norad_id: int
    name: str
    latitude_deg: float
    longitude_deg: float = Field(description="In -180..180.")
    altitude_km: float = Field(description="Above the WGS84 ellipsoid.")
    velocity_kmh: float = Field(description="Inertial speed.")
    footprint_km: float = Field(description="Diameter of the circle that sees the station.")
    visibility: str | None = Field(description="`daylight` or `eclipsed`.")
    solar_latitude_deg: float
    solar_longitude_deg: float
    elements: Elements | None = Field(description="Set on computed positions.")

    @classmethod
    def of_event(cls, event: IssPositionEvent, stored_at: datetime | None = None) -> "Position":
        """Return the position that an event reports."""
        data = event.data
        # Not validated again: the event was when it was decoded, or when its row was written.
        return cls.model_construct(
            id=event.id,
            time=event.time,
            fetched_at=event.fetchedat,
            stored_at=stored_at,
            origin=event.origin,
            provider=event.provider,
            elements=_elements(event),
            **{name: getattr(data, name) for name in _PLAIN},
        )


_ENVELOPE = {"id", "time", "fetched_at", "stored_at", "origin", "provider", "elements"}
_PLAIN = tuple(name for name in Position.model_fields if name not in _ENVELOPE)


def _elements(event: IssPositionEvent) -> Elements | None:
    data = event.data
    if data.elements_epoch is None:
        return None
    return Elements.model_construct(
        epoch=data.elements_epoch,
        age_s=(event.time - data.elements_epoch).total_seconds(),
        trusted=bool(data.elements_trusted),
    )
