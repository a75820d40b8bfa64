"""Bodies of the repository, written from the facts, and what to read them with."""

from datetime import UTC, datetime
from typing import Any

from libs.common.events import Origin, OsdrDatasetEvent, Provenance
from services.ingest_osdr.normalize import dataset_event
from tests.upstreams.osdr import Osdr
from tests.upstreams.osdr_studies import Studies

PROVENANCE = Provenance("osdr", Origin.LIVE, datetime(2026, 10, 9, 12, tzinfo=UTC))
URL = "https://visualization.osdr.nasa.gov/biodata/api/v2/dataset/OSD-8/"


def detail(number: int = 8) -> dict[str, Any]:
    """Return the detail of a study that flew twice."""
    return Osdr(Studies.of(40)).detail(f"OSD-{number}")


def facts(number: int = 8) -> dict[str, Any]:
    """Return what the search says of it, by small letters."""
    return {key.lower(): value for key, value in Studies.of(40).source(number).items()}


def read(body: object, said: dict[str, Any] | None = None, number: int = 8) -> OsdrDatasetEvent:
    """Normalize a detail."""
    return dataset_event(f"OSD-{number}", body, said or {}, PROVENANCE, url=URL)
