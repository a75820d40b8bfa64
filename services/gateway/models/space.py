"""How the space documents are shown: pictures, asteroids, space weather, launches."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from services.gateway.models.datum import Datum, Page


class Picture(Datum):
    """The Astronomy Picture of the Day; `time` is the beginning of its day."""

    picture_date: date
    title: str
    explanation: str | None
    media_type: Literal["image", "video", "other"]
    url: str | None
    hd_url: str | None
    thumbnail_url: str | None = Field(description="A still of a video.")
    copyright: str | None


class PicturesPage(Page):
    """Pictures, the newest first."""

    items: list[Picture]


class Approach(Datum):
    """One passage of one asteroid; `time` is that of the closest approach."""

    neo_id: str
    name: str
    approach_date: date
    approach_time: datetime | None
    orbiting_body: str
    absolute_magnitude: float | None
    diameter_min_m: float | None = Field(description="Estimated from the magnitude.")
    diameter_max_m: float | None
    is_potentially_hazardous: bool | None
    is_sentry_object: bool | None
    relative_velocity_km_s: float | None
    miss_distance_km: float | None = Field(description="From the body's centre.")
    miss_distance_ld: float | None = Field(description="In mean distances of the Moon.")
    miss_distance_au: float | None
    jpl_url: str | None


class ApproachesPage(Page):
    """Passages, the latest first."""

    items: list[Approach]


class Flare(Datum):
    """A solar flare as it is known at present; `time` is its beginning."""

    flare_id: str
    begin_time: datetime
    peak_time: datetime | None
    end_time: datetime | None
    class_type: str | None = Field(examples=["M1.2"])
    peak_flux_w_m2: float | None = Field(description="X-rays of 0.1 to 0.8 nm.")
    source_location: str | None
    source_latitude_deg: float | None = Field(description="Heliographic.")
    source_longitude_deg: float | None = Field(description="Heliographic, positive to the west.")
    active_region: int | None
    instruments: list[str]
    linked_activities: list[str]
    note: str | None
    submitted_at: datetime | None
    version: int | None
    url: str | None


class FlaresPage(Page):
    """Flares, the newest first."""

    items: list[Flare]


class Ejection(Datum):
    """A coronal mass ejection as it is known at present; `time` is when it was first seen."""

    cme_id: str
    start_time: datetime
    source_location: str | None
    active_region: int | None
    instruments: list[str]
    linked_activities: list[str]
    note: str | None
    submitted_at: datetime | None
    version: int | None
    url: str | None
    analysis_count: int
    analysis_type: str | None
    at_21_5_radii: datetime | None = Field(description="When its front passes 21.5 solar radii.")
    latitude_deg: float | None = Field(description="Heliographic.")
    longitude_deg: float | None = Field(description="Heliographic, positive to the west.")
    half_angle_deg: float | None
    speed_km_s: float | None
    earth_arrival_time: datetime | None
    is_earth_glancing_blow: bool | None
    kp_max: float | None


class EjectionsPage(Page):
    """Ejections, the newest first."""

    items: list[Ejection]


class LaunchShown(Datum):
    """A launch as it is known at present; `time` is when its record last changed."""

    launch_id: str
    name: str
    net: datetime = Field(description="It does not happen before this time.")
    net_precision: str | None = Field(description="What `net` is exact to.", examples=["Minute"])
    window_start: datetime | None
    window_end: datetime | None
    status: str | None = Field(examples=["Go"])
    status_id: int | None
    status_name: str | None
    probability_percent: int | None = Field(description="Of good weather.")
    hold_reason: str | None
    fail_reason: str | None
    provider_id: int | None
    provider_name: str | None = Field(description="Who launches.")
    rocket_name: str | None
    mission_name: str | None
    mission_type: str | None
    mission_description: str | None
    orbit: str | None
    pad_name: str | None
    location_name: str | None
    pad_latitude_deg: float | None
    pad_longitude_deg: float | None
    image_url: str | None
    thumbnail_url: str | None
    image_credit: str | None
    is_webcast_live: bool | None
    webcast_urls: list[str]
    updated_at: datetime | None
    url: str | None


class LaunchesPage(Page):
    """Launches, in the order of `net`: the next first, or the last first."""

    items: list[LaunchShown]
