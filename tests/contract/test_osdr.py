"""`/api/v1/osdr/...`: search, sorting, pages, one study and its versions, facets."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from typing import Any

import pytest

from libs.common.events import Event
from tests.catalogue import dataset_event
from tests.contract.clients import TOLD, assert_is_cacheable, fault, get, store, walk
from tests.gateways import Gateway

DATASETS = "/api/v1/osdr/datasets"

RODENTS = dataset_event(
    4,
    title="Rodent Research-1: muscles of mice",
    description="Soleus and gastrocnemius after 37 days in orbit.",
    assay_types=["transcription profiling"],
    project_type="Spaceflight Study",
    flight_programs=["International Space Station"],
    release_date=date(2016, 5, 1),
    missions=[{"name": "SpaceX-4", "start": date(2014, 9, 21), "end": None}],
)
PLANTS = dataset_event(
    37,
    title="Arabidopsis roots in microgravity",
    organisms=["Arabidopsis thaliana"],
    assay_types=["transcription profiling", "protein expression profiling"],
    project_type="Spaceflight Study",
    space_programs=["BRIC"],
    release_date=date(2018, 2, 3),
)
GROUND = dataset_event(
    120,
    title="A muscle study on the ground",
    organisms=["Homo sapiens", "Mus musculus"],
    project_type="Ground Study",
)
STUDIES = (RODENTS, PLANTS, GROUND)


async def accessions(gateway: Gateway, **params: str) -> list[str]:
    """Return the accessions of a list."""
    return [item["accession"] for item in (await get(gateway, DATASETS, **params))["items"]]


SEARCHES = [
    ({}, [120, 37, 4]),
    ({"sort": "newest"}, [120, 37, 4]),
    ({"sort": "accession"}, [4, 37, 120]),
    ({"sort": "release_date"}, [37, 4, 120]),
    ({"sort": "title"}, [120, 37, 4]),
    ({"q": "mice"}, [4]),
    ({"q": "muscles"}, [120, 4]),
    # A word of the title counts more than one of the description.
    ({"q": "gastrocnemius OR roots"}, [37, 4]),
    ({"q": "muscle -ground"}, [4]),
    ({"q": '"roots in microgravity"'}, [37]),
    ({"q": "gastrocnemius"}, [4]),
    ({"q": "SpaceX-4"}, [4]),
    ({"q": "OSD-37"}, [37]),
    ({"q": "nothing like that"}, []),
    ({"q": "the"}, []),
    ({"q": "(((\"' & | !"}, []),
    ({"organism": "Mus musculus"}, [120, 4]),
    ({"organism": "Mus musculus", "project_type": "Ground Study"}, [120]),
    ({"assay": "protein expression profiling"}, [37]),
    ({"program": "BRIC"}, [37]),
    ({"program": "International Space Station"}, [4]),
]


async def test_studies_are_searched_filtered_and_sorted(
    gateway: Gateway, database_url: str
) -> None:
    """Conditions hold together; `total` counts what they leave."""
    await store(database_url, STUDIES)
    for params, expected in SEARCHES:
        document = await get(gateway, DATASETS, **params)
        assert [item["accession"] for item in document["items"]] == [f"OSD-{n}" for n in expected]
        assert document["total"] == len(expected)
        assert all(set(item) >= TOLD for item in document["items"])


@pytest.mark.parametrize("sort", ["newest", "release_date", "title", "accession", "relevance"])
async def test_pages_hold_every_study_once_in_every_order(
    gateway: Gateway, database_url: str, sort: str
) -> None:
    """Titles and dates that repeat, or are missing, lose or double nothing."""
    events: Sequence[Event] = [
        dataset_event(
            number,
            fetch=number // 3,
            title=f"Muscle study {number % 4}",
            release_date=date(2020, 1, 1 + number % 5) if number % 4 else None,
        )
        for number in range(1, 24)
    ]
    await store(database_url, events)
    words = {"q": "muscle"} if sort == "relevance" else {}
    items = await walk(gateway, DATASETS, sort=sort, limit="4", **words)
    assert len(items) == 23
    assert {item["accession"] for item in items} == {f"OSD-{n}" for n in range(1, 24)}
    if sort == "title":
        assert [item["title"] for item in items] == sorted(item["title"] for item in items)


async def test_a_study_is_answered_whole_in_any_case_of_its_accession(
    gateway: Gateway, database_url: str
) -> None:
    """With description, missions and links, which lists leave out."""
    await store(database_url, STUDIES)
    for accession in ("OSD-4", "osd-4"):
        study = await get(gateway, f"{DATASETS}/{accession}")
        assert study["description"] == RODENTS.data.description
        assert study["missions"] == [{"name": "SpaceX-4", "start": "2014-09-21", "end": None}]
        assert set(study) >= TOLD


async def test_the_versions_of_a_study_say_what_changed(
    gateway: Gateway, database_url: str
) -> None:
    """The newest first; the first one has nothing before it."""
    await store(database_url, [dataset_event(4, fetch=1)])
    await store(database_url, [dataset_event(4, fetch=2, title="A better title")])
    await store(database_url, [dataset_event(4, fetch=3, title="A better title", factors=["x"])])
    versions = await walk(gateway, f"{DATASETS}/OSD-4/changes", limit="1")
    # `raw` is a body of its own here: only what we set differs.
    assert [version["changed"] for version in versions] == [["factors"], ["title"], None]
    assert versions[-1]["title"] == "Study number 4"
    assert all(set(version) >= TOLD for version in versions)


async def test_facets_count_studies(gateway: Gateway, database_url: str) -> None:
    """The most frequent value first; each can be filtered by."""
    await store(database_url, STUDIES)
    facets: Any = await get(gateway, "/api/v1/osdr/facets")
    assert facets["total"] == 3
    assert facets["organism"] == [
        {"value": "Mus musculus", "count": 2},
        {"value": "Arabidopsis thaliana", "count": 1},
        {"value": "Homo sapiens", "count": 1},
    ]
    assert facets["project_type"][0] == {"value": "Spaceflight Study", "count": 2}
    assert {facet["value"] for facet in facets["program"]} == {
        "BRIC",
        "International Space Station",
    }
    assert await accessions(gateway, organism="Homo sapiens") == ["OSD-120"]


WRONG = [
    ({"sort": "colour"}, "sort"),
    ({"sort": "relevance"}, "sort"),
    ({"limit": "0"}, "limit"),
    ({"limit": "201"}, "limit"),
    ({"cursor": "broken"}, "cursor"),
    ({"cursor": "WyJuZXdlc3QiXQ"}, "cursor"),
    ({"q": ""}, "q"),
    ({"q": "a\x00b"}, "q"),
    ({"organisms": "Mus musculus"}, "organisms"),
]


async def test_a_wrong_parameter_is_named(gateway: Gateway) -> None:
    """422, and the field at fault."""
    for params, field in WRONG:
        assert await fault(gateway, DATASETS, **params) == (
            HTTPStatus.UNPROCESSABLE_ENTITY,
            [field],
        )


async def test_a_cursor_belongs_to_its_order(gateway: Gateway, database_url: str) -> None:
    """One of another order would skip rows without anybody noticing."""
    await store(database_url, STUDIES)
    cursor = (await get(gateway, DATASETS, sort="title", limit="1"))["next"]
    assert (await fault(gateway, DATASETS, sort="accession", cursor=cursor))[1] == ["cursor"]


@pytest.mark.parametrize("path", ["OSD-999", "OSD-4/changes"])
async def test_what_is_not_there_is_404(gateway: Gateway, path: str) -> None:
    """An empty catalogue has no study."""
    assert (await fault(gateway, f"{DATASETS}/{path}"))[0] == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("accession", ["4", "GLDS-4", "OSD-0", "..%2F..%2Fetc", "OSD-12345678"])
async def test_what_is_no_accession_is_refused(gateway: Gateway, accession: str) -> None:
    """It never reaches the database."""
    async with gateway.http.get(f"{DATASETS}/{accession}") as response:
        assert response.status == HTTPStatus.UNPROCESSABLE_ENTITY


@pytest.mark.parametrize("path", [DATASETS, f"{DATASETS}/OSD-4", f"{DATASETS}/OSD-4/changes"])
async def test_answers_are_cacheable(gateway: Gateway, database_url: str, path: str) -> None:
    """Validators, compression and a life on every one of them."""
    await store(database_url, [RODENTS, *(dataset_event(n) for n in range(200, 204))])
    changed = dataset_event(4, fetch=9, description="Soleus. " * 300, raw={"text": "x" * 2_000})
    await store(database_url, [changed])
    await assert_is_cacheable(gateway, path)
