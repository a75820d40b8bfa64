"""The history of datasets: every version once, what changed in it, whatever the order."""

import itertools
from datetime import timedelta
from typing import Any, LiteralString

from libs.common.events import Origin, OsdrDataset, OsdrDatasetEvent, Provenance
from libs.common.events.osdr import MAX_LABEL, MAX_LABELS
from tests.factories import START
from tests.integration.repositories import execute, storing_into

HISTORY: LiteralString = (
    "SELECT time, title, changed FROM osdr_dataset_history ORDER BY accession, fetched_at"
)


def version(day: int, **changes: Any) -> OsdrDatasetEvent:
    """Return what the catalogue said of a study on a day."""
    fields: dict[str, Any] = {
        "accession": "OSD-137",
        "number": 137,
        "title": "Rodent Research-3: liver",
        "organisms": ["Mus musculus"],
        "raw": {"title": changes.get("title", "Rodent Research-3: liver")},
    }
    return OsdrDatasetEvent.of_dataset(
        OsdrDataset(**(fields | changes)),
        provenance=Provenance("osdr", Origin.LIVE, START + timedelta(days=day)),
    )


FIRST = version(0)
RENAMED = version(1, title="Rodent Research-3: muscle")
GROWN = version(2, title="Rodent Research-3: muscle", organisms=["Mus musculus", "Homo sapiens"])
BACK = version(3)
EXPECTED = [
    (FIRST.time, FIRST.data.title, None),
    (RENAMED.time, RENAMED.data.title, ["raw", "title"]),
    (GROWN.time, GROWN.data.title, ["organisms"]),
    (BACK.time, BACK.data.title, ["organisms", "raw", "title"]),
]


async def test_every_version_is_kept_with_what_changed(database_url: str) -> None:
    """Also one that says what an earlier one said; the table itself has the newest alone."""
    versions = [FIRST, RENAMED, GROWN, BACK]
    async with storing_into(database_url) as repository:
        for event in versions:
            assert await repository.store([event]) == []
        # Delivered again, alone and together.
        for again in ([RENAMED], versions):
            assert await repository.store(again) == []
    assert execute(database_url, HISTORY) == EXPECTED
    assert execute(database_url, "SELECT title, fetched_at FROM osdr_datasets") == [
        (BACK.data.title, BACK.fetchedat)
    ]
    assert execute(
        database_url, "SELECT id, raw FROM osdr_dataset_changes ORDER BY fetched_at"
    ) == [(event.id, event.data.raw) for event in versions]


async def test_the_order_of_arrival_plays_no_part(database_url: str) -> None:
    """Versions that arrive late, alone or in one batch, give the same history."""
    async with storing_into(database_url) as repository:
        for order in itertools.permutations([FIRST, RENAMED, GROWN, BACK]):
            for batches in ([order[:2], order[2:]], [[event] for event in order]):
                execute(database_url, "TRUNCATE osdr_datasets, osdr_dataset_changes")
                for batch in batches:
                    await repository.store(batch)
                assert execute(database_url, HISTORY) == EXPECTED


async def test_the_same_content_fetched_again_is_no_change(database_url: str) -> None:
    """A poller that forgot what it had published adds nothing to the history."""
    async with storing_into(database_url) as repository:
        await repository.store([FIRST])
        await repository.store([version(1)])
        await repository.store([version(2), version(3)])
    assert execute(database_url, HISTORY) == EXPECTED[:1]
    assert execute(database_url, "SELECT fetched_at FROM osdr_datasets") == [(BACK.fetchedat,)]


async def test_a_text_too_long_for_the_search_is_refused_alone(database_url: str) -> None:
    """What no index can hold is given back with the reason, instead of being tried for ever."""
    # Words as long as labels may be, each different, of letters that take four bytes: 1.4 MB.
    words = (chr(0x20000 + index) * MAX_LABEL for index in itertools.count())
    of_things = ("organisms", "assay_types", "factors", "material_types")
    of_projects = ("project_titles", "flight_programs", "space_programs")
    huge = version(
        1, **{name: [next(words) for _ in range(MAX_LABELS)] for name in of_things + of_projects}
    )
    async with storing_into(database_url) as repository:
        ((event, reason),) = await repository.store([FIRST, huge])
    assert event == huge
    assert "too long for tsvector" in reason
    assert execute(database_url, HISTORY) == EXPECTED[:1]
