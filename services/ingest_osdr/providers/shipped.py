"""The studies shipped with the project, for a machine that has never reached the repository."""

from dataclasses import replace
from datetime import UTC, datetime, time

from libs.common.errors import NotUpdatedError
from libs.common.events import Origin, OsdrDatasetEvent, Provenance
from libs.common.events.osdr import OsdrLink
from libs.common.polling.providers import Reading
from libs.common.polling.published import Published
from services.ingest_osdr.normalize import event_of
from services.ingest_osdr.shipped_datasets import SHIPPED_DATASETS, SHIPPED_ON
from services.ingest_osdr.studies import REPOSITORY, read_study


class ShippedDatasets:
    """Datasets from the project's own files."""

    name = "shipped"
    origin = Origin.SNAPSHOT
    budget = None

    def __init__(self, known: Published) -> None:
        self._known = known

    async def poll(self) -> Reading:
        """Return the shipped studies.

        Raises:
            NotUpdatedError: Studies are known already, and they are not older than these.
        """
        if not await self._known.is_empty():
            raise NotUpdatedError("studies are known already")
        return Reading(shipped_events())


def shipped_events() -> list[OsdrDatasetEvent]:
    """Return the studies that are part of the project, dated to the day they were written down.

    This makes any study that was ever fetched newer, so that it is not replaced.
    """
    fetched_at = datetime.combine(SHIPPED_ON, time(tzinfo=UTC))
    provenance = Provenance(ShippedDatasets.name, ShippedDatasets.origin, fetched_at)
    events = []
    for accession, record in SHIPPED_DATASETS.items():
        page = OsdrLink(rel="study", url=f"{REPOSITORY}/bio/repo/data/studies/{accession}")
        study = replace(read_study(record), links=[page])
        events.append(event_of(accession, study, {}, provenance))
    return events
