"""Bodies of the repository become events, or say why not; never anything else."""

import contextlib
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events import OsdrDatasetEvent, decode
from services.ingest_osdr.normalize import MAX_FACTS_BYTES, read_listing, read_search_page
from services.ingest_osdr.providers.shipped import shipped_events
from services.ingest_osdr.shipped_datasets import SHIPPED_ON
from tests.unit.ingest_osdr.bodies import detail, facts, read
from tests.upstreams.osdr import Osdr
from tests.upstreams.osdr_studies import Studies

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
METADATA_KEYS = sorted(detail()["OSD-8"]["metadata"])


def test_a_detail_and_its_facts_become_one_event() -> None:
    """Every field of the payload comes from where the catalogue has it."""
    data = read(detail(), facts()).data
    assert (data.accession, data.number) == ("OSD-8", 8)
    assert data.title == "Study 8 of simulated flies"
    assert data.description == "The flies of study 8 & their genes."
    assert data.organisms == ["Mus musculus"]
    assert data.project_ids == ["RR-1", "RR-2"]
    assert data.project_titles == []
    assert data.factors == ["Spaceflight", "Genotype", "Time of Sample Collection After Treatment"]
    assert [(each.name, each.start, each.end) for each in data.missions] == [
        ("STS-121", date(2006, 7, 4), date(2006, 7, 17)),
        ("SpaceX-4", date(2014, 9, 21), None),
    ]
    assert data.release_date == date(2013, 10, 12)
    assert {link.rel for link in data.links} == {"study", "api", "files", "project", "thumbnail"}
    assert data.raw == detail()


def test_the_id_follows_the_content_and_nothing_else() -> None:
    """The same study is the same event; a changed title or a new fact makes another."""
    same = read(dict(reversed(detail().items())), facts())
    assert read(detail(), facts()).id == same.id
    changed = detail()
    changed["OSD-8"]["metadata"]["study title"] = "Other flies"
    assert len({read(detail(), facts()).id, read(detail()).id, read(changed).id}) == 3


def test_it_survives_the_stream() -> None:
    """What is published decodes to what was published."""
    event = read(detail(), facts())
    assert decode(event.encode()) == event


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "expected an object, got list"),
        ({"error": "not found"}, "OSD-8: expected an object, got the keys ['error']"),
        ({"OSD-9": {"metadata": {}}}, "OSD-8: expected an object"),
        ({"OSD-8": None}, "OSD-8: expected an object"),
        ({"OSD-8": {"REST_URL": "x"}}, "metadata: expected an object, got NoneType"),
        ({"OSD-8": {"metadata": {"organism": "Fly"}}}, "study title: expected a text"),
        ({"OSD-8": {"metadata": {"study title": " <b></b> "}}}, "study title: expected a text"),
    ],
)
def test_what_is_no_detail_says_why(body: object, reason: str) -> None:
    """The reason names the field and what was expected."""
    with pytest.raises(ValueError, match="expected") as caught:
        read(body)
    assert str(caught.value).startswith(reason)


def test_what_postgresql_cannot_hold_is_replaced() -> None:
    """NUL, lone surrogates and overflowed numbers are gone from texts and from the raw body."""
    body = detail()
    body["OSD-8"]["metadata"] |= {"organism": "Fly\x00\ud800", "weight": float("inf")}
    event = read(body)
    assert event.data.organisms == ["Fly\ufffd\ufffd"]
    assert event.data.raw["OSD-8"]["metadata"]["weight"] is None
    assert b"\\u0000" not in event.encode()


def test_bounds_hold_for_a_body_without_any() -> None:
    """Long texts and long lists are cut, and the event stays valid."""
    body = detail()
    body["OSD-8"]["metadata"] = {
        "study title": "t" * 5_000,
        "study description": "d" * 100_000,
        "organism": [f"organism {number}" for number in range(500)],
        "mission": {"name": [f"STS-{number}" for number in range(500)]},
        "project link": [f"https://example.org/{number}" for number in range(500)],
    }
    data = read(body).data
    assert (len(data.title), len(data.description or "")) == (1_000, 20_000)
    assert (len(data.organisms), len(data.missions), len(data.links)) == (100, 50, 20)


@given(JSON)
def test_any_json_is_an_event_or_a_reason(body: Any) -> None:
    """Nothing but ValueError comes out of the three readers."""
    readers = (read, read_listing, read_search_page)
    for reader in readers:
        with contextlib.suppress(ValueError):
            reader(body)


@given(st.dictionaries(st.sampled_from(METADATA_KEYS), JSON), st.dictionaries(st.text(), JSON))
def test_a_mutated_detail_is_an_event_or_a_reason(
    changes: dict[str, Any], said: dict[str, Any]
) -> None:
    """Whatever stands under the known keys; and what comes out can be published."""
    body = detail()
    body["OSD-8"]["metadata"] |= changes
    try:
        event = read(body, said)
    except ValueError:
        return
    assert isinstance(decode(event.encode()), OsdrDatasetEvent)


def test_the_listing_gives_accessions_in_order() -> None:
    """By number, not by letter; what is none is rejected and the rest is taken."""
    listing = read_listing({"OSD-10": {}, "GLDS-3": {}, "OSD-9": {}, "status": "ok"})
    assert listing.accessions == ["OSD-9", "OSD-10"]
    assert [reject.reason for reject in listing.rejects] == [
        "accession: expected OSD-<number>, got 'GLDS-3'",
        "accession: expected OSD-<number>, got 'status'",
    ]


@pytest.mark.parametrize("body", [{}, [], "html", {"error": "down", "status": 500}, None])
def test_what_lists_no_study_is_refused(body: object) -> None:
    """An empty catalogue is not believed."""
    with pytest.raises(ValueError, match="expected an object of studies"):
        read_listing(body)


def hit(**source: Any) -> dict[str, Any]:
    """Return a hit of the search."""
    return {"_id": "x", "_source": source}


def test_a_search_page_gives_facts_by_accession() -> None:
    """Studies of other archives are counted and left out; wrong hits are rejected."""
    page = read_search_page(
        {
            "hits": {
                "total": {"value": 4, "relation": "eq"},
                "hits": [
                    hit(**Studies.of(3).source(2)),
                    hit(Accession="GSE82255"),
                    {"_id": "OSD-3", "_source": None},
                    "nonsense",
                ],
            }
        }
    )
    assert page.ids == ["OSD-2", "GSE82255"]
    assert set(page.facts) == {"OSD-2"}
    assert page.facts["OSD-2"]["study public release date"] == 1_381_017_600.0
    assert "study description" not in page.facts["OSD-2"]
    assert page.total == 4
    assert len(page.rejects) == 2


def test_a_hit_with_endless_facts_is_rejected() -> None:
    """What is kept for every study is bounded."""
    source = {"Accession": "OSD-1", "organism": ["fly" * 100] * 1_000}
    page = read_search_page({"hits": {"total": 1, "hits": [hit(**source)]}})
    assert page.facts == {}
    assert str(MAX_FACTS_BYTES) in page.rejects[0].reason


def test_the_simulator_and_the_samples_shape_are_alike() -> None:
    """The simulator's detail has the documented members and lower-case keys with spaces."""
    record = Osdr(Studies.of(1)).detail("OSD-1")["OSD-1"]
    assert {"REST_URL", "files", "metadata"} <= record.keys()
    assert {"study title", "project type", "mission"} <= record["metadata"].keys()


def test_the_snapshot_is_whole() -> None:
    """Some twenty studies, each with title, organism and kind, and of the day they were noted."""
    events = shipped_events()
    assert 15 <= len(events) <= 30
    assert len({event.id for event in events}) == len(events)
    for event in events:
        assert event.origin == "snapshot"
        assert event.fetchedat.date() == SHIPPED_ON
        assert event.data.organisms
        assert event.data.project_type in ("Spaceflight Study", "Ground Study")
        assert event.data.raw == {}
        assert json.loads(event.encode())["data"]["title"] == event.data.title
