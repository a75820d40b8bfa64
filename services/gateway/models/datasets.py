"""How NASA's open science datasets are shown."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from services.gateway.models.told import Page, Told


class DatasetSummary(Told):
    """A study as lists show it; `time` is when the catalogue last had something new about it."""

    accession: str = Field(examples=["OSD-137"])
    title: str
    project_type: str | None
    organisms: list[str]
    assay_types: list[str]
    material_types: list[str]
    factors: list[str]
    flight_programs: list[str]
    space_programs: list[str]
    release_date: date | None
    first_stored_at: datetime = Field(description="When the suite first knew of it.")


class Mission(BaseModel):
    """A flight that a study belongs to."""

    name: str | None
    start: date | None
    end: date | None


class DatasetLink(BaseModel):
    """A link on the web, and what it leads to."""

    rel: str = Field(description="`study`, `api`, `files`, `project`, ...")
    url: str


class Dataset(DatasetSummary):
    """A study with all its fields."""

    description: str | None
    project_ids: list[str]
    project_titles: list[str]
    missions: list[Mission]
    publications: list[str]
    data_sources: list[str]
    links: list[DatasetLink]


class DatasetsPage(Page):
    """Studies."""

    items: list[DatasetSummary]
    total: int = Field(description="How many there are in all pages.")


class DatasetChange(Told):
    """One version of a study."""

    accession: str
    title: str
    changed: list[str] | None = Field(
        description="The fields that differ from the version before; null in the first."
    )
    raw: dict[str, Any] = Field(description="The study as its repository sent it.")


class DatasetChangesPage(Page):
    """The versions of a study, the newest first."""

    items: list[DatasetChange]


class Facet(BaseModel):
    """A value, and how many studies have it."""

    value: str
    count: int


class Facets(BaseModel):
    """The values that studies can be filtered by, the most frequent first."""

    organism: list[Facet]
    assay: list[Facet]
    project_type: list[Facet]
    program: list[Facet] = Field(description="Flight and space programs.")
    total: int = Field(description="How many studies there are.")
