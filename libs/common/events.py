"""Every event of the suite: a CloudEvents 1.0 envelope around one strict payload per type.

Units stand in the field names, times are aware, and numbers are finite. A new optional field is
not a new version: consumers ignore fields that they do not know. Anything else is a new `v<n>`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID, uuid5

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from libs.common.clock import unix_microseconds

# uuid5(NAMESPACE_DNS, "events.cassiopeia"); every event id derives from it, so it never changes.
EVENT_NAMESPACE = UUID("0dc9ec40-6dd4-5094-aff9-15b43dbc4beb")

Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Traceparent = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Origin(StrEnum):
    """How a datum came to be."""

    LIVE = "live"
    COMPUTED = "computed"
    SNAPSHOT = "snapshot"


class Strict(BaseModel):
    """What envelope and payloads have in common: no coercion, no change, only finite numbers."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


class IssPosition(Strict):
    """Where the International Space Station is at the envelope's `time`.

    Velocity is the inertial speed; the footprint is the diameter of the circle on the ground from
    which the station is above the horizon. `visibility` tells whether it is in sunlight or in the
    Earth's shadow, None where the upstream did not say. The three `elements_*` fields are set on
    computed positions only: `elements_age_s` is `time` minus `elements_epoch`, and
    `elements_trusted` is false when that is more than the service's limit.
    `source_url` is the address that was asked, `computed:<model>` where none was.
    `upstream_body` is the body as received; that of a computed position carries the same keys.
    """

    norad_id: Annotated[int, Field(gt=0)]
    name: Name
    latitude_deg: Latitude
    longitude_deg: Longitude
    # From re-entry to well above any boost: outside, the number is not the station's.
    altitude_km: Annotated[float, Field(ge=100, le=2_000)]
    velocity_kmh: Annotated[float, Field(ge=20_000, le=35_000)]
    footprint_km: Annotated[float, Field(gt=0, le=20_100)]
    visibility: Literal["daylight", "eclipsed"] | None
    solar_latitude_deg: Latitude
    solar_longitude_deg: Longitude
    source_url: Name
    upstream_body: dict[str, Any]
    elements_epoch: AwareDatetime | None = None
    elements_age_s: float | None = None
    elements_trusted: bool | None = None


class IssElements(Strict):
    """Mean orbital elements of the station (OMM, SGP4 theory), valid around `epoch`."""

    norad_id: Annotated[int, Field(gt=0)]
    object_name: Name
    object_id: Name
    epoch: AwareDatetime
    mean_motion_rev_per_day: Annotated[float, Field(ge=10, le=17)]
    eccentricity: Annotated[float, Field(ge=0, lt=1)]
    inclination_deg: Annotated[float, Field(ge=0, le=180)]
    raan_deg: Annotated[float, Field(ge=0, le=360)]
    arg_perigee_deg: Annotated[float, Field(ge=0, le=360)]
    mean_anomaly_deg: Annotated[float, Field(ge=0, le=360)]
    bstar: float
    mean_motion_dot: float
    mean_motion_ddot: float
    element_set_number: Annotated[int, Field(ge=0)]
    revolution_number: Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a datum came from: who gave it, how, and when we got it."""

    provider: str
    origin: Origin
    fetched_at: datetime


class Event(Strict):
    """The CloudEvents 1.0 envelope, with four extensions of ours.

    `time` is when the source says that the datum was true, `fetchedat` when it was fetched.
    `id` is a UUIDv5 of source, type and natural key: publishing an event twice is harmless.
    """

    SOURCE: ClassVar[str]
    TYPE: ClassVar[str]

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: Name
    type: str
    subject: Name | None = None
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    fetchedat: AwareDatetime
    origin: Origin
    provider: Name
    traceparent: Traceparent | None = None
    data: Strict

    @classmethod
    def of(
        cls, data: Strict, *, time: datetime, provenance: Provenance, subject: str, key: str
    ) -> Self:
        """Wrap a payload; `key` is its natural key, which the event id is made of."""
        return cls(
            id=uuid5(EVENT_NAMESPACE, f"{cls.SOURCE}\n{cls.TYPE}\n{key}"),
            source=cls.SOURCE,
            type=cls.TYPE,
            subject=subject,
            time=time,
            fetchedat=provenance.fetched_at,
            origin=provenance.origin,
            provider=provenance.provider,
            data=data,
        )

    @property
    def sequence(self) -> int:
        """The increasing integer that clients of the earlier systems know as `id`.

        It is the fetch time in microseconds, so that the gateway can answer it and persistence
        can store it without asking each other; JSON numbers hold it exactly until the year 2255.
        """
        return unix_microseconds(self.fetchedat)

    def encode(self) -> bytes:
        """Return the event as the JSON that goes into a stream entry."""
        return self.model_dump_json(exclude_none=True).encode()


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
            key=data.model_dump_json(),
        )


AnyEvent = Annotated[IssPositionEvent | IssElementsEvent, Field(discriminator="type")]
EVENT_CLASSES: tuple[type[Event], ...] = (IssPositionEvent, IssElementsEvent)

_ONE: TypeAdapter[IssPositionEvent | IssElementsEvent] = TypeAdapter(AnyEvent)
_MANY: TypeAdapter[list[IssPositionEvent | IssElementsEvent]] = TypeAdapter(list[AnyEvent])


def decode(body: bytes) -> Event:
    """Decode one stream entry.

    Raises:
        ValueError: The body is no event of the suite; the message says why in one line.
    """
    try:
        return _ONE.validate_json(body)
    except ValidationError as error:
        raise ValueError(_event_reason(error)) from None


def decode_batch(bodies: Sequence[bytes]) -> list[Event | ValueError]:
    """Decode many stream entries at once, each to its event or to the reason why it is none.

    The bodies are validated as one JSON array, which costs a third of validating them one by one;
    only a batch that holds a bad one is taken apart.
    """
    if all(body.startswith(b"{") and body.endswith(b"}") for body in bodies):
        try:
            events = _MANY.validate_json(b"[" + b",".join(bodies) + b"]")
        except ValidationError:
            pass
        else:
            # A body such as `{},{}` passes as two: the count gives it away.
            if len(events) == len(bodies):
                return list(events)
    return [_decoded_or_reason(body) for body in bodies]


def _decoded_or_reason(body: bytes) -> Event | ValueError:
    try:
        return decode(body)
    except ValueError as error:
        return error


def reason_of(error: ValidationError) -> str:
    """Return the first complaint of a validation in one line: the field and what was expected."""
    detail = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in detail["loc"])
    return f"{place}: {detail['msg']}" if place else detail["msg"]


def _event_reason(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_input=False)[0]
    context = detail.get("ctx", {})
    match detail["type"]:
        case "json_invalid":
            return f"not JSON: {context.get('error')}"
        case "union_tag_invalid":
            return f"unknown type {context.get('tag')}"
        case "union_tag_not_found":
            return "no type"
        case _:
            # The place starts with the union's tag, which says nothing new.
            return reason_of(error).removeprefix(f"{detail['loc'][0]}." if detail["loc"] else "")
