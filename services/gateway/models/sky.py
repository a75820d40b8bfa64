"""How astronomical events are shown; the short names are those of the earlier systems."""

from datetime import datetime
from typing import Any

from pydantic import (
    BaseModel,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from libs.common.events import AstroEvent, AstroKind, Origin, natural_key
from libs.common.questions import AstroEventsAnswer
from services.gateway.models.told import Told

# The fields that the earlier systems left out when they had no value.
_LEFT_OUT = ("magnitude", "altitude", "details")


class Contact(BaseModel):
    """One moment of an eclipse or a transit."""

    name: str
    time: datetime
    altitude_deg: float | None = Field(description="Of the body, as seen from the place.")


class SkyEvent(Told):
    """Something in the sky; `time` is its peak."""

    name: str = Field(examples=["Full moon"])
    type: AstroKind
    when: datetime = Field(description="The same as `time`.")
    magnitude: float | None = Field(
        default=None, description="Apparent visual magnitude; absent where it has none."
    )
    altitude: float | None = Field(
        default=None,
        description="Degrees above the horizon at the peak; absent without a place.",
    )
    details: str | None = Field(default=None, description="In words; absent where there are none.")
    key: str = Field(description="The same event has the same key in every answer.")
    variant: str = Field(description="Which of its kind: `full`, `total`, `rise`, ...")
    bodies: list[str]
    starts_at: datetime | None
    ends_at: datetime | None
    visible: bool | None = Field(
        description="Whether the body is above the horizon at the peak; null without a place."
    )
    obscuration: float | None = Field(description="Covered part of the Sun's disc, 0 to 1.")
    separation_deg: float | None
    azimuth_deg: float | None
    distance_km: float | None
    zenithal_hourly_rate: float | None
    contacts: list[Contact]
    confirmed_by: list[str] = Field(description="Who announces the same event.")

    @model_serializer(mode="wrap")
    def _without_what_is_left_out(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        shown: dict[str, Any] = handler(self)
        for name in _LEFT_OUT:
            if shown[name] is None:
                del shown[name]
        return shown


class Place(BaseModel):
    """The place that an answer holds for."""

    lat: float = Field(description="Degrees, rounded to 0.0001 (11 m).")
    lon: float
    elevation_m: float


class SkyEvents(BaseModel):
    """The events of a window, in the order of their peaks."""

    events: list[SkyEvent]
    location: Place | None = Field(
        description="Null without a place: these are the events that are the same for the whole"
        " Earth, in geocentric positions, without rise and set."
    )
    days: int = Field(description="Length of the window, rounded up.")
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")


def computed_events(answer: AstroEventsAnswer) -> list[SkyEvent]:
    """Return the events of an answer in the form that the API shows."""
    return [
        shown_event(
            each.event,
            Told(
                time=each.time,
                fetched_at=answer.computed_at,
                origin=Origin.COMPUTED,
                provider=answer.provider,
            ),
        )
        for each in answer.events
    ]


def shown_event(event: AstroEvent, told: Told) -> SkyEvent:
    """Return an event in the form that the API shows."""
    time = told.time
    return SkyEvent(
        **dict(told),
        name=event.title,
        type=event.kind,
        when=time,
        magnitude=event.magnitude,
        altitude=event.altitude_deg,
        details=details_of(event),
        key=natural_key(event, time),
        variant=event.variant,
        bodies=event.bodies,
        starts_at=event.start,
        ends_at=event.end,
        visible=event.visible,
        obscuration=event.obscuration,
        separation_deg=event.separation_deg,
        azimuth_deg=event.azimuth_deg,
        distance_km=event.distance_km,
        zenithal_hourly_rate=event.zenithal_hourly_rate,
        contacts=[
            Contact(name=contact.name, time=contact.time, altitude_deg=contact.altitude_deg)
            for contact in event.contacts
        ],
        confirmed_by=event.confirmed_by,
    )


def details_of(event: AstroEvent) -> str | None:
    """Say in words what the numbers of an event mean; None where they say nothing."""
    words = []
    if event.separation_deg is not None:
        words.append(f"{event.separation_deg:.1f}° apart")
    if event.elongation_deg is not None:
        words.append(f"{event.elongation_deg:.1f}° from the Sun")
    if event.obscuration is not None:
        words.append(f"{event.obscuration:.0%} covered")
    if event.distance_km is not None:
        words.append(f"{event.distance_km:,.0f} km away")
    if event.zenithal_hourly_rate is not None:
        words.append(f"up to {event.zenithal_hourly_rate:.0f} an hour")
    if event.visible is not None:
        words.append("above the horizon" if event.visible else "below the horizon")
    return "; ".join(words) or None
