"""Events of NASA's Open Science Data Repository (OSDR)."""

import hashlib
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from libs.common.events.envelope import Event, Provenance, Strict

# The longest values that were seen are at most a quarter of these limits.
MAX_TITLE = 1_000
MAX_DESCRIPTION = 20_000
MAX_LABEL = 500
MAX_LABELS = 100
MAX_MISSIONS = 50
MAX_LINKS = 20

Accession = Annotated[str, StringConstraints(pattern=r"^OSD-[1-9][0-9]{0,6}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TITLE)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LABEL)]
Labels = Annotated[list[Label], Field(max_length=MAX_LABELS)]


class OsdrMission(Strict):
    """A flight that a study belongs to; a value that the repository does not give is None."""

    name: Label | None = None
    start: date | None = None
    end: date | None = None


class OsdrLink(Strict):
    """A link on the web, and what it leads to (`study`, `api`, `files`, `project`, ...)."""

    rel: Label
    url: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=2_000)]


class OsdrDataset(Strict):
    """One study of the repository, as its catalogue describes it at the envelope's `time`.

    `number` is the accession's number: 137 of OSD-137. Texts are free of markup. `raw` is the body
    of the study's details as received, empty where the study is from the shipped snapshot.
    """

    accession: Accession
    number: Annotated[int, Field(gt=0, le=9_999_999)]
    title: Title
    description: Annotated[str, StringConstraints(max_length=MAX_DESCRIPTION)] | None = None
    organisms: Labels = Field(default_factory=list)
    material_types: Labels = Field(default_factory=list)
    assay_types: Labels = Field(default_factory=list)
    factors: Labels = Field(default_factory=list)
    project_type: Label | None = None
    project_ids: Labels = Field(default_factory=list)
    project_titles: Labels = Field(default_factory=list)
    flight_programs: Labels = Field(default_factory=list)
    space_programs: Labels = Field(default_factory=list)
    missions: Annotated[list[OsdrMission], Field(max_length=MAX_MISSIONS)] = Field(
        default_factory=list
    )
    publications: Labels = Field(default_factory=list)
    data_sources: Labels = Field(default_factory=list)
    release_date: date | None = None
    links: Annotated[list[OsdrLink], Field(max_length=MAX_LINKS)] = Field(default_factory=list)
    raw: dict[str, Any]

    @property
    def missions_document(self) -> list[dict[str, Any]]:
        """The missions as JSON types."""
        return [mission.model_dump(mode="json") for mission in self.missions]

    @property
    def links_document(self) -> list[dict[str, Any]]:
        """The links as JSON types."""
        return [link.model_dump(mode="json") for link in self.links]


class OsdrDatasetEvent(Event):
    """One version of a study of the repository, from a change of its description on."""

    SOURCE = "/cassiopeia/ingest_osdr"
    TYPE = "cassiopeia.osdr.dataset.v1"

    type: Literal["cassiopeia.osdr.dataset.v1"]
    data: OsdrDataset

    @classmethod
    def of_dataset(cls, data: OsdrDataset, *, provenance: Provenance) -> Self:
        """Wrap a study; one per accession, origin and content. `time` is when it was fetched."""
        content = hashlib.sha256(data.model_dump_json().encode()).hexdigest()
        return cls.of(
            data,
            time=provenance.fetched_at,
            provenance=provenance,
            subject=data.accession,
            key=f"{data.accession}:{provenance.origin}:{content}",
        )
