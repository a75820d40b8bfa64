"""`/api/astro/events`: the table of AstronomyAPI, from events that are computed here."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from libs.common.events import AstroContact, AstroEvent, AstroKind
from libs.common.questions import AstroEventsQuestion, AstroHappening
from services.gateway.compatibility.astro import table_of
from tests.contract.clients import get
from tests.contract.test_astro import computing
from tests.factories import START
from tests.gateways import Gateway, running_gateway

PATH = "/api/astro/events"
HOUR = timedelta(hours=1)


@pytest.fixture
async def sky(valkey_url: str, reader_database_url: str) -> AsyncIterator[Gateway]:
    """A gateway beside the service that computes."""
    async with computing(valkey_url), running_gateway(valkey_url, reader_database_url) as gateway:
        yield gateway


def days_of(document: Any) -> float:
    """Return the length of a table's window."""
    dates = document["data"]["dates"]
    start, end = (datetime.fromisoformat(dates[name]) for name in ("from", "to"))
    assert timedelta(0) <= datetime.now(UTC) - start < HOUR + timedelta(seconds=10)
    return (end - start) / timedelta(days=1)


async def test_defaults_names_and_types(sky: Gateway) -> None:
    """Moscow and a week; a row for each body, a cell for each of its events."""
    document = await get(sky, PATH, unknown="1")
    assert days_of(document) == 7
    data = document["data"]
    assert data["observer"] == {
        "location": {"longitude": 37.6176, "latitude": 55.7558, "elevation": 0.0}
    }
    rows = {row["entry"]["id"]: row for row in data["table"]["rows"]}
    assert {"sun", "moon"} <= rows.keys()
    assert rows["sun"]["entry"] == {"id": "sun", "name": "Sun"}
    assert len(data["table"]["header"]) == max(len(row["cells"]) for row in rows.values())
    for cell in (cell for row in rows.values() for cell in row["cells"]):
        assert cell.keys() == {"type", "name", "eventHighlights", "rise", "set", "extraInfo"}
        peak = cell["eventHighlights"]["peak"]
        assert datetime.fromisoformat(peak["date"]).tzinfo is not None
        assert isinstance(peak["altitude"], float | None)
    sunrises = [cell["rise"] for cell in rows["sun"]["cells"] if cell["rise"]]
    assert 6 <= len(sunrises) <= 8


async def test_place_and_days_come_into_their_ranges(sky: Gateway) -> None:
    """1 to 30 days; nothing that a client sends is an error."""
    for query, days, place in (
        ("lat=-33.9&lon=151.2&days=30", 30, (-33.9, 151.2)),
        ("days=31", 30, (55.7558, 37.6176)),
        ("days=0", 1, (55.7558, 37.6176)),
        ("lat=91&lon=-999&days=1", 1, (90, -180)),
        ("lat=nan&lon=here&days=many", 7, (55.7558, 37.6176)),
        ("lat=&lon=&days=", 7, (55.7558, 37.6176)),
    ):
        document = await get(sky, f"{PATH}?{query}")
        assert days_of(document) == days, query
        location = document["data"]["observer"]["location"]
        assert (location["latitude"], location["longitude"]) == place, query


async def test_without_who_computes_it_is_503_and_nothing_is_invented(
    valkey_url: str, reader_database_url: str
) -> None:
    """Neither an event that says so nor a fault of ours."""
    async with (
        running_gateway(valkey_url, reader_database_url, question_wait_seconds=0.2) as gateway,
        gateway.http.get(PATH) as response,
    ):
        assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert "Retry-After" in response.headers


def test_an_eclipse_has_the_upstreams_type_and_moments() -> None:
    """`fullStart` of the Moon is `totalStart` of the Sun."""
    moments = ["penumbral_start", "partial_start", "total_start", "peak", "total_end"]
    contacts = [
        AstroContact(name=name, time=START + index * HOUR, altitude_deg=10.5)
        for index, name in enumerate(moments)
    ]
    eclipse = AstroEvent(
        kind=AstroKind.LUNAR_ECLIPSE,
        variant="total",
        title="Total lunar eclipse",
        bodies=["moon"],
        obscuration=1.0,
        altitude_deg=20.0,
        contacts=contacts,
    )
    question = AstroEventsQuestion(
        latitude_deg=1.0, longitude_deg=2.0, start=START, end=START + timedelta(days=7)
    )
    table = table_of(question, [AstroHappening(time=START + 3 * HOUR, event=eclipse)])
    [row] = table.model_dump(mode="json", by_alias=True)["data"]["table"]["rows"]
    [cell] = row["cells"]
    assert cell["type"] == "total_lunar_eclipse"
    assert cell["extraInfo"]["obscuration"] == 1.0
    assert list(cell["eventHighlights"]) == [
        "penumbralStart",
        "partialStart",
        "fullStart",
        "peak",
        "fullEnd",
    ]
    peak = {"date": "2026-03-01T15:00:00Z", "altitude": 10.5}
    assert cell["eventHighlights"]["peak"] == peak
    assert cell["rise"] is None
