"""What a dashboard shows first, in one answer."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from libs.common.polling.sources import SourceStatus
from services.gateway.models.old import FeedItem, OldFix, OldStudyHead, Stamp
from services.gateway.models.sky import SkyEvents
from services.gateway.models.space import Approach, Ejection, Flare, LaunchShown, Picture
from services.gateway.positions import Position
from services.gateway.trend import Trend


class IssNow(OldFix):
    """The newest position: as its upstream sent it, and as this API shows it."""

    position: Position
    trend: Trend


class StudiesNow(BaseModel):
    """The open science datasets."""

    count: int = Field(description="Of all, as the database had it last.")
    items: list[OldStudyHead] = Field(description="The newest.")


class ImageNow(FeedItem):
    """A JWST image."""

    image_id: str
    time: datetime
    thumbnail: str = Field(description="Where this API gives the preview.")


class ImagesNow(BaseModel):
    """The newest JWST images."""

    source: str = Field(examples=["all/type/jpg"])
    count: int
    items: list[ImageNow]


class ApproachesNow(BaseModel):
    """The passages of asteroids since two days before today, upcoming ones included."""

    count: int
    hazardous: int = Field(description="How many of them are potentially hazardous.")
    closest: Approach | None


class SpaceNow(BaseModel):
    """The current space documents."""

    apod: Picture | None
    neo: ApproachesNow
    flares: list[Flare] = Field(description="Of five days, the newest first.")
    cmes: list[Ejection] = Field(description="Of five days, the newest first.")
    launches: list[LaunchShown] = Field(description="To come, the next first.")


class DashboardData(BaseModel):
    """The parts of a dashboard; a part that has no data yet is null or empty."""

    iss: IssNow | None
    osdr: StudiesNow
    jwst: ImagesNow
    astro: SkyEvents = Field(description="Of the whole Earth, to come.")
    telemetry: None = Field(description="There is no telemetry.")
    space: SpaceNow
    sources: list[SourceStatus] = Field(description="As the broker had them last.")


class Dashboard(BaseModel):
    """What a dashboard shows first."""

    success: Literal[True]
    data: DashboardData
    timestamp: Stamp
