"""The envelope of every event, and what all payloads have in common."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from libs.common.clock import unix_microseconds

# uuid5(NAMESPACE_DNS, "events.cassiopeia"); every event id derives from it, so it must not change.
EVENT_NAMESPACE = UUID("0dc9ec40-6dd4-5094-aff9-15b43dbc4beb")

# From the first satellite on. A time near the ends of the calendar breaks arithmetic: the year 1 in
# a zone east of Greenwich has no UTC time, and could not be read back from the database.
Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(1957, 10, 4, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC)),
]
# The range of a PostgreSQL `integer`; a larger number would be stored as a different one.
Count = Annotated[int, Field(ge=0, le=2_147_483_647)]
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
    """What envelope and payloads have in common: no coercion, immutable, only finite numbers."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


class Recorded(Strict):
    """A payload with the record that it was read from, as received; None if there was none."""

    upstream_body: dict[str, Any] | None = None

    @property
    def content(self) -> str:
        """The payload without its record, as the JSON that ids are made from.

        A different record alone is no new event. MAST leaves out the columns that are null in all
        rows of a page, so the form of a row depends on its neighbours. A computed event is the same
        one, however it is announced. Elements are identified by their values.
        """
        return self.model_dump_json(exclude={"upstream_body"})


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a datum came from: its provider, how it came to be, and when it was fetched."""

    provider: str
    origin: Origin
    fetched_at: datetime


class Event(Strict):
    """The CloudEvents 1.0 envelope, with four extension attributes.

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
    time: Moment
    datacontenttype: Literal["application/json"] = "application/json"
    fetchedat: Moment
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

        It is the fetch time in microseconds, so the gateway can return it and persistence can store
        it without asking each other. JSON numbers hold it exactly until the year 2255.
        """
        return unix_microseconds(self.fetchedat)

    def encode(self) -> bytes:
        """Return the event as the JSON that goes into a stream entry."""
        return self.model_dump_json(exclude_none=True).encode()
