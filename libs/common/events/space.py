"""Space events: pictures of the day, asteroids, space weather, launches."""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints

from libs.common.events.envelope import Event, Latitude, Longitude, Name, Provenance, Strict

MAX_NAME = 200
MAX_TEXT = 8_000
MAX_LINK = 2_000
# No record that was seen lists more than ten of anything.
MAX_ITEMS = 20

Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
Link = Annotated[str, StringConstraints(pattern=r"^https?://", max_length=MAX_LINK)]
Names = Annotated[list[Name], Field(max_length=MAX_ITEMS)]
Links = Annotated[list[Link], Field(max_length=MAX_ITEMS)]
NotNegative = Annotated[float, Field(ge=0)]

_SERVICE = "/cassiopeia/ingest_space"


class ApodPicture(Strict):
    """NASA's Astronomy Picture of the Day.

    `url` shows it, `hd_url` is the large file; a video has no `hd_url`, and media of type `other`
    may have neither. `thumbnail_url` is a still of a video. `upstream_body` is the record as
    received, without API keys.
    """

    picture_date: date
    title: Name
    explanation: Text | None = None
    media_type: Literal["image", "video", "other"]
    url: Link | None = None
    hd_url: Link | None = None
    thumbnail_url: Link | None = None
    copyright: Name | None = None
    upstream_body: dict[str, Any]


class NearEarthObject(Strict):
    """One close approach of one asteroid on one day.

    The diameters are estimated from the absolute magnitude (the brightness at 1 au from Sun and
    observer), for the usual range of albedos. The velocity is relative to `orbiting_body`, the
    miss distance is measured from its centre; `miss_distance_ld` is in mean lunar distances.
    `upstream_body` is the record as received, without API keys.
    """

    neo_id: Name
    name: Name
    approach_date: date
    approach_time: AwareDatetime | None = None
    orbiting_body: Name = "Earth"
    absolute_magnitude: float | None = None
    diameter_min_m: NotNegative | None = None
    diameter_max_m: NotNegative | None = None
    is_potentially_hazardous: bool | None = None
    is_sentry_object: bool | None = None
    relative_velocity_km_s: NotNegative | None = None
    miss_distance_km: NotNegative | None = None
    miss_distance_ld: NotNegative | None = None
    miss_distance_au: NotNegative | None = None
    jpl_url: Link | None = None
    upstream_body: dict[str, Any]


class SolarFlare(Strict):
    """One solar flare, as DONKI describes it at present; it may be revised later.

    `peak_flux_w_m2` is `class_type` as a number: the X-ray flux at 0.1 to 0.8 nm, where M1 is
    1e-5 W/m2. Source coordinates are heliographic, longitudes positive towards the west.
    """

    flare_id: Name
    begin_time: AwareDatetime
    peak_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    class_type: Name | None = None
    peak_flux_w_m2: NotNegative | None = None
    source_location: Name | None = None
    source_latitude_deg: Latitude | None = None
    source_longitude_deg: Longitude | None = None
    active_region: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    instruments: Names = Field(default_factory=list)
    linked_activities: Names = Field(default_factory=list)
    note: Text | None = None
    submitted_at: AwareDatetime | None = None
    version: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    url: Link | None = None
    upstream_body: dict[str, Any]


class CoronalMassEjection(Strict):
    """One coronal mass ejection, as DONKI describes it at present; it may be revised later.

    Direction, speed and width are those of the analysis that is marked as the most accurate;
    `at_21_5_radii` is when the front passes 21.5 solar radii, `speed_km_s` is its speed there.
    Coordinates are heliographic, longitudes positive towards the west. The forecast for the Earth
    is that of the newest WSA-ENLIL run of this analysis; `kp_max` is the largest index that it
    expects for any orientation of the magnetic field.
    """

    cme_id: Name
    start_time: AwareDatetime
    source_location: Name | None = None
    active_region: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    instruments: Names = Field(default_factory=list)
    linked_activities: Names = Field(default_factory=list)
    note: Text | None = None
    submitted_at: AwareDatetime | None = None
    version: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    url: Link | None = None
    analysis_count: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    analysis_type: Name | None = None
    at_21_5_radii: AwareDatetime | None = None
    latitude_deg: Latitude | None = None
    longitude_deg: Longitude | None = None
    half_angle_deg: Annotated[float, Field(ge=0, le=180)] | None = None
    speed_km_s: NotNegative | None = None
    earth_arrival_time: AwareDatetime | None = None
    is_earth_glancing_blow: bool | None = None
    kp_max: Annotated[float, Field(ge=0, le=9)] | None = None
    upstream_body: dict[str, Any]


class Launch(Strict):
    """One launch of a rocket, as Launch Library describes it at present.

    `net` (no earlier than) is the time before which it does not happen, exact to `net_precision`.
    `status_id` is Launch Library's: 1 Go, 2 to be determined, 3 success, 4 failure, 5 hold, 6 in
    flight, 7 partial failure, 8 to be confirmed, 9 payload deployed. `probability_percent` is that
    of good weather.
    """

    launch_id: Name
    name: Name
    net: AwareDatetime
    net_precision: Name | None = None
    window_start: AwareDatetime | None = None
    window_end: AwareDatetime | None = None
    status_id: Annotated[int, Field(ge=0, le=1_000)] | None = None
    status: Name | None = None
    status_name: Name | None = None
    probability_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    hold_reason: Text | None = None
    fail_reason: Text | None = None
    provider_id: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    provider_name: Name | None = None
    rocket_name: Name | None = None
    mission_name: Name | None = None
    mission_type: Name | None = None
    mission_description: Text | None = None
    orbit: Name | None = None
    pad_name: Name | None = None
    location_name: Name | None = None
    pad_latitude_deg: Latitude | None = None
    pad_longitude_deg: Longitude | None = None
    image_url: Link | None = None
    thumbnail_url: Link | None = None
    image_credit: Name | None = None
    is_webcast_live: bool | None = None
    webcast_urls: Links = Field(default_factory=list)
    updated_at: AwareDatetime | None = None
    url: Link | None = None
    upstream_body: dict[str, Any]


class _Revised(Event):
    """An event about something that is revised: its id is made from all of its content."""

    @classmethod
    def _of_content(
        cls, data: Strict, *, time: datetime, provenance: Provenance, subject: str
    ) -> Self:
        # Sorted: the same content with its keys in another order is not a revision.
        content = json.dumps(data.model_dump(mode="json"), sort_keys=True)
        return cls.of(data, time=time, provenance=provenance, subject=subject, key=content)


class ApodEvent(_Revised):
    """The picture of one day; `time` is the beginning of that day in UTC."""

    SOURCE = _SERVICE
    TYPE = "cassiopeia.space.apod.v1"

    type: Literal["cassiopeia.space.apod.v1"]
    data: ApodPicture

    @classmethod
    def of_picture(cls, data: ApodPicture, *, provenance: Provenance) -> Self:
        """Wrap a picture; its subject is the date."""
        day = data.picture_date.isoformat()
        time = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        return cls._of_content(data, time=time, provenance=provenance, subject=day)


class NearEarthObjectEvent(_Revised):
    """One close approach of one asteroid; `time` is its moment, or the day's start if unknown."""

    SOURCE = _SERVICE
    TYPE = "cassiopeia.space.neo.v1"

    type: Literal["cassiopeia.space.neo.v1"]
    data: NearEarthObject

    @classmethod
    def of_approach(cls, data: NearEarthObject, *, provenance: Provenance) -> Self:
        """Wrap an approach; its subject is the object, the day and the body that it passes."""
        day = data.approach_date.isoformat()
        time = data.approach_time or datetime.fromisoformat(f"{day}T00:00:00+00:00")
        subject = f"{data.neo_id[:100]}:{day}:{data.orbiting_body[:80]}"
        return cls._of_content(data, time=time, provenance=provenance, subject=subject)


class SolarFlareEvent(_Revised):
    """One version of the record of a flare; `time` is when the flare began."""

    SOURCE = _SERVICE
    TYPE = "cassiopeia.space.flare.v1"

    type: Literal["cassiopeia.space.flare.v1"]
    data: SolarFlare

    @classmethod
    def of_flare(cls, data: SolarFlare, *, provenance: Provenance) -> Self:
        """Wrap a flare; its subject is its id at DONKI."""
        return cls._of_content(
            data, time=data.begin_time, provenance=provenance, subject=data.flare_id
        )


class CoronalMassEjectionEvent(_Revised):
    """One version of the record of an ejection; `time` is when the ejection was first seen."""

    SOURCE = _SERVICE
    TYPE = "cassiopeia.space.cme.v1"

    type: Literal["cassiopeia.space.cme.v1"]
    data: CoronalMassEjection

    @classmethod
    def of_ejection(cls, data: CoronalMassEjection, *, provenance: Provenance) -> Self:
        """Wrap an ejection; its subject is its id at DONKI."""
        return cls._of_content(
            data, time=data.start_time, provenance=provenance, subject=data.cme_id
        )


class LaunchEvent(_Revised):
    """One version of the record of a launch; `time` is when Launch Library last changed it.

    The time of the launch itself is often months ahead; it is the field `net` of the payload.
    """

    SOURCE = _SERVICE
    TYPE = "cassiopeia.space.launch.v1"

    type: Literal["cassiopeia.space.launch.v1"]
    data: Launch

    @classmethod
    def of_launch(cls, data: Launch, *, provenance: Provenance) -> Self:
        """Wrap a launch; its subject is its id at Launch Library."""
        return cls._of_content(
            data,
            time=data.updated_at or provenance.fetched_at,
            provenance=provenance,
            subject=data.launch_id,
        )
