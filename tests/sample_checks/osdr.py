"""What the normalizer of ingest_osdr makes of recorded bodies."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from libs.common.events import Origin, Provenance
from services.ingest_osdr.dates import parse_date
from services.ingest_osdr.normalize import dataset_event, is_accession, read_search_page
from services.ingest_osdr.studies import missions
from services.ingest_osdr.values import labels

_PROVENANCE = Provenance("osdr", Origin.LIVE, datetime(2026, 10, 9, tzinfo=UTC))
_ADDRESS = "https://visualization.osdr.nasa.gov/biodata/api/v2/dataset"
# Under which field of the event each key of the detail is found again.
_FIELD_OF = {
    "study title": "title",
    "study description": "description",
    "organism": "organisms",
    "material type": "material_types",
    "study assay technology type": "assay_types",
    "project type": "project_type",
    "study publication title": "publications",
    "data source type": "data_sources",
}


def details(body: bytes) -> str:
    """Read details, one a line; each value must be found again in the event."""
    seen = [_detail(json.loads(line)) for line in body.splitlines() if line.strip()]
    assert seen, "no detail"
    return f"details of {', '.join(seen)}"


def _detail(document: dict[str, Any]) -> str:
    ((accession, record),) = document.items()
    metadata = dict(record["metadata"])
    event = dataset_event(accession, document, {}, _PROVENANCE, url=f"{_ADDRESS}/{accession}/").data
    mission = metadata.pop("mission")
    dates = [(each.name, each.start, each.end) for each in event.missions]
    expected = (mission["name"], parse_date(mission["start date"]), parse_date(mission["end date"]))
    assert dates == ([expected] if mission["name"] else []), (mission, dates)
    assert metadata.pop("project link") in [link.url for link in event.links]
    for key, value in metadata.items():
        kept = getattr(event, _FIELD_OF[key])
        assert kept in (value, [value]), (key, value, kept)
    assert event.raw == document
    return accession


def derived_table(body: bytes) -> str:
    """Read a table of values of the search as hits; no date and no joined text may be lost."""
    rows = list(csv.DictReader(io.StringIO(body.decode()), delimiter="\t"))
    hits = [
        {
            "_source": {
                "Accession": row["OSD-id"],
                "Study Public Release Date": row["publicReleaseDate"],
                "Study Assay Technology Type": row["technologyType"],
                "organism": row["Organism"],
                "Study Factor Name": row["Factors"],
            }
        }
        for row in rows
    ]
    page = read_search_page({"hits": {"total": len(hits), "hits": hits}})
    assert len(page.ids) == len(rows)
    assert not page.rejects
    own = [row for row in rows if is_accession(row["OSD-id"])]
    assert set(page.facts) == {row["OSD-id"] for row in own}
    for row in rows:
        assert bool(parse_date(row["publicReleaseDate"])) == bool(row["publicReleaseDate"])
        for column in ("technologyType", "Organism", "Factors"):
            parts = {part.strip() for part in row[column].split("     ")} - {""}
            assert set(labels(row[column])) == parts, row
    return f"{len(rows)} rows of the search, {len(own)} of them studies of the repository"


def files(body: bytes) -> str:
    """Recognise that the file list of the study API is no detail; read its dates all the same."""
    document = json.loads(body)
    listed = [file for study in document["studies"].values() for file in study["study_files"]]
    assert all(parse_date(file["date_created"]) for file in listed)
    assert all(parse_date(file["date_updated"]) is None for file in listed)
    return f"{len(listed)} files, {_refused(document)}"


def vocabulary(body: bytes) -> str:
    """Recognise that the filter options are no detail."""
    return f"filter options, {_refused(json.loads(body))}"


def elided_metadata(body: bytes) -> str:
    """Recognise that a documented, shortened body is not JSON; read the values that it shows."""
    try:
        json.loads(body)
    except ValueError as error:
        reason = str(error)
    else:
        raise AssertionError("expected elided text, got JSON")
    said = dict(re.findall(r'"name": "([^"]+)", "value": "([^"]*)"', body.decode()))
    (mission,) = missions(said)
    assert mission.name == said["Mission Name"]
    assert (mission.start, mission.end) == (
        parse_date(said["Mission Start"]),
        parse_date(said["Mission End"]),
    )
    assert mission.start
    assert mission.end
    return f"not JSON ({reason}), mission {mission.name} from {mission.start} to {mission.end}"


def _refused(document: object) -> str:
    try:
        dataset_event("OSD-1", document, {}, _PROVENANCE, url=_ADDRESS)
    except ValueError as error:
        return f"refused: {error}"
    raise AssertionError("taken for a detail")


CHECKS: list[tuple[str, Callable[[bytes], str]]] = [
    ("osdr/dataset_detail_*.jsonl", details),
    ("osdr/search_derived_*.tsv", derived_table),
    ("osdr/osd_files_*.json", files),
    ("osdr/osd_meta_*.txt", elided_metadata),
    ("osdr/filter-options-*.json", vocabulary),
]
