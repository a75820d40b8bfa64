"""Astronomical events: phases, eclipses, conjunctions, rise and set."""

from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints

from libs.common.clock import iso
from libs.common.events.envelope import (
    Event,
    Latitude,
    Longitude,
    Name,
    Provenance,
    Recorded,
    Strict,
)

Degrees = Annotated[float, Field(ge=-360, le=360)]
Altitude = Annotated[float, Field(ge=-90, le=90)]
Azimuth = Annotated[float, Field(ge=0, le=360)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class AstroKind(StrEnum):
    """The kinds of events."""

    MOON_PHASE = "moon_phase"
    LUNAR_ECLIPSE = "lunar_eclipse"
    SOLAR_ECLIPSE = "solar_eclipse"
    SEASON = "season"
    CONJUNCTION = "conjunction"
    OPPOSITION = "opposition"
    GREATEST_ELONGATION = "greatest_elongation"
    PLANET_TRANSIT = "planet_transit"
    LUNAR_APSIS = "lunar_apsis"
    EARTH_APSIS = "earth_apsis"
    METEOR_SHOWER = "meteor_shower"
    SUN_RISE_SET = "sun_rise_set"
    MOON_RISE_SET = "moon_rise_set"


# The variant of these kinds (total, partial) is a result of the computation and may be corrected;
# that of all other kinds is part of the event's identity.
_VARIANT_IS_A_RESULT = {AstroKind.LUNAR_ECLIPSE, AstroKind.SOLAR_ECLIPSE}


class AstroObserver(Strict):
    """A place on the Earth; its coordinates identify it, its name is for people."""

    name: Name
    latitude_deg: Latitude
    longitude_deg: Longitude
    elevation_m: Annotated[float, Field(ge=-500, le=9_000)] = 0.0


class AstroContact(Strict):
    """One moment of an eclipse or a transit."""

    name: Word
    time: AwareDatetime
    altitude_deg: Altitude | None = None


class AstroEvent(Recorded):
    """Something in the sky whose peak is at the envelope's `time`.

    `variant` distinguishes events of one kind (`full`, `total`, `rise`). With an `observer`, all
    values are as seen from there, and `visible` tells whether the body is above the horizon at the
    peak; `contacts` give the altitude at the other moments. Without an observer they are
    geocentric, and `latitude_deg` and `longitude_deg` are the place of greatest eclipse, if any.
    `magnitude` is the body's apparent visual magnitude. `solar_longitude_deg` is J2000.
    `occurrence` counts events of the same name on the same day of UTC. `confirmed_by` lists
    providers that announce the same event, `upstream_body` is the record of one that does.
    """

    kind: AstroKind
    variant: Word
    title: Name
    bodies: Annotated[list[Word], Field(max_length=4)]
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    magnitude: float | None = None
    obscuration: Annotated[float, Field(ge=0, le=1)] | None = None
    separation_deg: Degrees | None = None
    elongation_deg: Degrees | None = None
    altitude_deg: Altitude | None = None
    azimuth_deg: Azimuth | None = None
    distance_km: Annotated[float, Field(gt=0)] | None = None
    latitude_deg: Latitude | None = None
    longitude_deg: Longitude | None = None
    solar_longitude_deg: Degrees | None = None
    zenithal_hourly_rate: Annotated[float, Field(ge=0)] | None = None
    radiant_ra_deg: Degrees | None = None
    radiant_dec_deg: Altitude | None = None
    speed_kms: Annotated[float, Field(gt=0)] | None = None
    iau_code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    observer: AstroObserver | None = None
    visible: bool | None = None
    contacts: Annotated[list[AstroContact], Field(max_length=12)] = Field(default_factory=list)
    occurrence: Annotated[int, Field(ge=1, le=99)] = 1
    confirmed_by: Annotated[list[Name], Field(max_length=8)] = Field(default_factory=list)

    @property
    def observer_name(self) -> str | None:
        """The observer's name; None where the event is geocentric."""
        return self.observer.name if self.observer else None

    @property
    def observer_latitude_deg(self) -> float | None:
        """The observer's latitude."""
        return self.observer.latitude_deg if self.observer else None

    @property
    def observer_longitude_deg(self) -> float | None:
        """The observer's longitude."""
        return self.observer.longitude_deg if self.observer else None

    @property
    def document(self) -> dict[str, Any]:
        """The payload as JSON types, without unknown values and without the record."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"upstream_body"})


class AstroEventEvent(Event):
    """One astronomical event; `time` is its peak."""

    SOURCE = "/cassiopeia/ingest_astro"
    TYPE = "cassiopeia.astro.event.v1"

    type: Literal["cassiopeia.astro.event.v1"]
    data: AstroEvent

    @classmethod
    def of_event(cls, data: AstroEvent, *, time: datetime, provenance: Provenance) -> Self:
        """Wrap an event; one per content and natural key, which is the subject."""
        subject = natural_key(data, time)
        content = f"{iso(time)}\n{data.content}".encode()
        digest = blake2b(content, digest_size=16).hexdigest()
        return cls.of(
            data, time=time, provenance=provenance, subject=subject, key=f"{subject}\n{digest}"
        )


def natural_key(data: AstroEvent, time: datetime) -> str:
    """Return the key that an event has in every computation of it.

    Kind, variant, bodies, place and day of UTC: `moon_phase:full:moon:earth:2026-08-28`.
    """
    observer = data.observer
    parts = [
        data.kind,
        "" if data.kind in _VARIANT_IS_A_RESULT else data.variant,
        data.iau_code or "+".join(data.bodies),
        f"{observer.latitude_deg:.4f},{observer.longitude_deg:.4f}" if observer else "earth",
        time.astimezone(UTC).date().isoformat(),
        str(data.occurrence) if data.occurrence > 1 else "",
    ]
    return ":".join(part for part in parts if part)
