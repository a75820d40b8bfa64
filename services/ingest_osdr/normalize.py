"""Bodies of the repository's APIs in, events out. Pure: no I/O, no clock."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, TypeGuard

from libs.common.events import OsdrDataset, OsdrDatasetEvent, Provenance
from libs.common.events.osdr import MAX_LINKS, OsdrLink
from libs.common.upstream.records import storable
from services.ingest_osdr.studies import REPOSITORY, Study, merged, read_study
from services.ingest_osdr.values import folded

_ACCESSION = re.compile(r"OSD-[1-9][0-9]{0,6}")
# The fields of a search hit that a detail may lack. The long description is not among them, because
# details have it.
_FACTS = frozenset(
    {
        "study title",
        "organism",
        "material type",
        "study assay technology type",
        "study factor name",
        "project type",
        "project identifier",
        "project title",
        "project link",
        "flight program",
        "space program",
        "mission",
        "mission name",
        "mission start",
        "mission end",
        "mission link",
        "study public release date",
        "thumbnail",
        "links",
    }
)
# Facts are kept for every study; a real hit has a tenth of this.
MAX_FACTS_BYTES = 20_000
# How much of an unreadable record is kept for inspection.
_MAX_REJECT_BYTES = 100_000


class Unreadable(NamedTuple):
    """A record that cannot be read, and why."""

    body: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The accessions of all public studies, and the entries that are no accessions."""

    accessions: list[str]
    rejects: list[Unreadable]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of the study search.

    Attributes:
        ids: The ids of all hits, including those that are no studies of the repository.
        facts: The facts of the hits, by accession.
        total: How many hits the search has; None if it does not say.
        rejects: Hits that cannot be read.
    """

    ids: list[str]
    facts: dict[str, dict[str, Any]]
    total: int | None
    rejects: list[Unreadable]


def is_accession(value: object) -> TypeGuard[str]:
    """Tell whether a value is the accession of a study of the repository."""
    return isinstance(value, str) and _ACCESSION.fullmatch(value) is not None


def read_listing(body: object) -> Listing:
    """Read the listing: one object, whose keys are the accessions.

    Raises:
        ValueError: The body lists no study; the message says what was expected.
    """
    if not isinstance(body, Mapping):
        raise ValueError(f"expected an object of studies, got {type(body).__name__}")
    accessions = [key for key in body if is_accession(key)]
    if not accessions:
        raise ValueError(f"expected an object of studies, got the keys {list(body)[:5]!r:.200}")
    rejects = [
        _reject({key: value}, f"accession: expected OSD-<number>, got {key!r:.60}")
        for key, value in body.items()
        if not is_accession(key)
    ]
    return Listing(sorted(accessions, key=number_of), rejects)


def read_search_page(body: object) -> SearchPage:
    """Read a page of the study search, which has the form of Elasticsearch's answers.

    Raises:
        ValueError: The body is no such page; the message says what was expected.
    """
    if not isinstance(body, Mapping) or not isinstance(body.get("hits"), Mapping):
        raise ValueError("hits: expected an object")
    hits = body["hits"].get("hits")
    if not isinstance(hits, list):
        raise ValueError(f"hits.hits: expected a list, got {type(hits).__name__}")
    page = SearchPage([], {}, _total(body["hits"].get("total")), [])
    for hit in hits:
        try:
            said = _said_by(hit)
        except ValueError as error:
            page.rejects.append(_reject(hit, str(error)))
            continue
        name = str(said.get("accession") or hit.get("_id") or "")[:100]
        page.ids.append(name)
        if is_accession(name):
            page.facts[name] = {key: value for key, value in said.items() if key in _FACTS}
    return page


def dataset_event(
    accession: str, body: object, facts: Mapping[str, Any], provenance: Provenance, *, url: str
) -> OsdrDatasetEvent:
    """Read the detail of a study.

    Args:
        accession: The study that was asked for.
        body: The decoded JSON.
        facts: The facts from the study search; empty if it has none.
        provenance: Who gave it and when.
        url: The address that was asked.

    Raises:
        ValueError: The body is not that study's detail; the message names the field.
    """
    if not isinstance(body, Mapping):
        raise ValueError(f"expected an object, got {type(body).__name__}")
    record = body.get(accession)
    if not isinstance(record, Mapping):
        raise ValueError(f"{accession}: expected an object, got the keys {list(body)[:5]!r:.200}")
    record = storable(record)
    metadata = record.get("metadata")
    if not isinstance(metadata, Mapping):
        raise ValueError(f"metadata: expected an object, got {type(metadata).__name__}")
    study = merged(read_study(metadata), read_study(facts))
    own = [
        OsdrLink(rel="study", url=f"{REPOSITORY}/bio/repo/data/studies/{accession}"),
        OsdrLink(rel="api", url=url),
        OsdrLink(rel="files", url=f"{url.rstrip('/')}/files/"),
    ]
    study = replace(study, links=[*own, *study.links][:MAX_LINKS])
    return event_of(accession, study, {accession: record}, provenance)


def event_of(
    accession: str, study: Study, raw: dict[str, Any], provenance: Provenance
) -> OsdrDatasetEvent:
    """Wrap what is known of a study into an event.

    Raises:
        ValueError: The study has no title, without which there is nothing to show.
    """
    if study.title is None:
        raise ValueError("study title: expected a text")
    said = {
        field.name: list(value) if isinstance(value, list | tuple) else value
        for field in fields(Study)
        if (value := getattr(study, field.name)) is not None
    }
    said |= {"accession": accession, "number": number_of(accession), "raw": raw}
    data = OsdrDataset.model_validate(said)
    return OsdrDatasetEvent.of_dataset(data, provenance=provenance)


def number_of(accession: str) -> int:
    """Return the number of an accession."""
    return int(accession.removeprefix("OSD-"))


def _said_by(hit: object) -> dict[str, Any]:
    if not isinstance(hit, Mapping):
        raise ValueError(f"expected a hit, got {type(hit).__name__}")
    source = hit.get("_source")
    if not isinstance(source, Mapping):
        raise ValueError(f"_source: expected an object, got {type(source).__name__}")
    said = folded(storable(dict(source)))
    facts = {key: value for key, value in said.items() if key in _FACTS}
    if len(json.dumps(facts)) > MAX_FACTS_BYTES:
        raise ValueError(f"_source: more than {MAX_FACTS_BYTES} bytes of facts")
    return facts | {"accession": said.get("accession")}


def _total(value: object) -> int | None:
    if isinstance(value, Mapping):
        value = value.get("value")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _reject(record: object, reason: str) -> Unreadable:
    try:
        body = json.dumps(record)
    except RecursionError:
        body = "[nested too deeply to be kept]"
    return Unreadable(body.encode()[:_MAX_REJECT_BYTES], reason)
