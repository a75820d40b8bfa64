"""The answers of the earlier systems: their names and types."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, PlainSerializer

from libs.common.clock import iso

Stamp = Annotated[datetime, PlainSerializer(iso, return_type=str, when_used="json")]
Payload = dict[str, Any]


class OldHealth(BaseModel):
    """Whether the server runs."""

    status: str = Field(examples=["ok"])
    now: Stamp


class NoData(BaseModel):
    """The answer before any data have come."""

    message: str = Field(examples=["no data"])


class OldFix(BaseModel):
    """The newest position as its upstream sent it."""

    id: int = Field(description="Increasing, and the same as in the table `iss_fetch_log`.")
    fetched_at: Stamp
    source_url: str
    payload: Payload = Field(description="The body as received; a computed one has the same keys.")


class OldStudyHead(BaseModel):
    """An open science dataset without its body."""

    id: int
    dataset_id: str | None = Field(examples=["OSD-137"])
    title: str | None
    status: str | None = Field(description="Null: the catalogue has none.")
    updated_at: Stamp | None
    inserted_at: Stamp


class OldStudy(OldStudyHead):
    """An open science dataset."""

    raw: Payload = Field(description="The body as received.")


class OldStudies(BaseModel):
    """Open science datasets, the newest first."""

    items: list[OldStudy]


class Written(BaseModel):
    """What a crawl has brought."""

    written: int = Field(description="Datasets that were new or changed, within the wait.")


class SpaceDocument(BaseModel):
    """The newest document of a source."""

    source: str
    fetched_at: Stamp
    payload: Payload | list[Payload]


class NoSpaceDocument(NoData):
    """The answer when a source has no document."""

    source: str


class Refreshed(BaseModel):
    """Which sources were asked to poll."""

    refreshed: list[str] = Field(description="The names that are known.")
    polled: list[str] = Field(
        description="Those of them that were polled within the wait, and not in vain."
    )


class SummaryEntry(BaseModel):
    """A document and its time; an empty object where there is none."""

    at: Stamp
    payload: Payload | list[Payload]


class Nothing(BaseModel):
    """An empty object."""


class Summary(BaseModel):
    """The newest document of every source."""

    apod: SummaryEntry | Nothing
    neo: SummaryEntry | Nothing
    flr: SummaryEntry | Nothing
    cme: SummaryEntry | Nothing
    spacex: SummaryEntry | Nothing
    iss: SummaryEntry | Nothing
    osdr_count: int


class FeedItem(BaseModel):
    """A JWST image as galleries show it."""

    url: str
    obs: str
    program: str
    suffix: str
    inst: list[str] = Field(description="In capitals.", examples=[["NIRCAM"]])
    caption: str
    link: str


class Feed(BaseModel):
    """A page of JWST images."""

    source: str = Field(
        description="The path of jwstapi.com that this stands for.", examples=["all/type/jpg"]
    )
    count: int = Field(description="Of the items of this page.")
    items: list[FeedItem]


class Message(BaseModel):
    """What has become of a request for fresh data."""

    message: str = Field(examples=["ISS data refreshed"])
    reasons: dict[str, str] = Field(description="Why a source has brought nothing, by its name.")
