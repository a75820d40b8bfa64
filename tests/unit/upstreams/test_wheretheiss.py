"""The simulator of wheretheiss.at has the recorded formats."""

import math
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from services.ingest_iss.omm import parse_omm
from services.ingest_iss.orbit import position_at
from tests.unit.ingest_iss.recorded import earth_fixed_km
from tests.unit.ingest_iss.tle import elements_from_tle
from tests.upstreams import elements, iss
from tests.upstreams.server import running
from tests.upstreams.wheretheiss import WhereTheIss

RECORDED_TYPES: dict[str, type] = {
    "name": str,
    "id": int,
    "latitude": float,
    "longitude": float,
    "altitude": float,
    "velocity": float,
    "visibility": str,
    "footprint": float,
    "timestamp": int,
    "daynum": float,
    "solar_lat": float,
    "solar_lon": float,
    "units": str,
}


async def get(session: ClientSession, url: str, status: int = 200) -> Any:
    """Return the JSON of an answer that has the expected status."""
    async with session.get(url) as response:
        assert response.status == status
        assert response.content_type == "application/json"
        return await response.json()


async def test_position_has_the_recorded_keys_and_types(session: ClientSession) -> None:
    """The position of now has every key, in the recorded order, and today's numbers."""
    async with running(WhereTheIss()) as simulator:
        record = await get(session, f"{simulator.url}/satellites/25544")
    assert {key: type(value) for key, value in record.items()} == RECORDED_TYPES
    assert list(record) == list(RECORDED_TYPES)
    assert record["units"] == "kilometers"
    assert abs(record["timestamp"] - time.time()) < 10
    assert record["daynum"] == pytest.approx(record["timestamp"] / 86_400 + 2_440_587.5, abs=1e-6)
    assert abs(record["latitude"]) <= 51.9
    assert -180 <= record["longitude"] <= 180
    assert 400 < record["altitude"] < 450
    assert 27_500 < record["velocity"] < 27_650
    assert 4_400 < record["footprint"] < 4_700
    assert abs(record["solar_lat"]) < 23.5
    assert 0 <= record["solar_lon"] < 360


async def test_headers_are_spelled_as_recorded(session: ClientSession) -> None:
    """The limit's headers are there, and what is left goes down with every call."""
    async with running(WhereTheIss()) as simulator:
        for left in ("349", "348"):
            async with session.get(f"{simulator.url}/satellites") as response:
                assert await response.json() == [{"name": "iss", "id": 25544}]
                assert response.headers["X-Rate-Limit-Limit"] == "350"
                assert response.headers["X-Rate-Limit-Interval"] == "5 minutes"
                assert response.headers["X-Rate-Limit-Remaining"] == left


async def test_miles_on_request(session: ClientSession) -> None:
    """With units=miles altitude, velocity and footprint are in miles, and nothing else is."""
    async with running(WhereTheIss()) as simulator:
        url = f"{simulator.url}/satellites/25544?timestamp=1627370230"
        kilometers = await get(session, url)
        miles = await get(session, f"{url}&units=miles")
    for key, value in kilometers.items():
        match key:
            case "altitude" | "velocity" | "footprint":
                assert miles[key] == pytest.approx(value * 0.621371, rel=1e-12)
            case "units":
                assert miles[key] == "miles"
            case _:
                assert miles[key] == value


async def test_positions_of_many_times(session: ClientSession) -> None:
    """A list of times gives a list of positions, one of them per time."""
    async with running(WhereTheIss()) as simulator:
        url = f"{simulator.url}/satellites/25544/positions?timestamps=1627322480,1627328617"
        records = await get(session, url)
    assert [record["timestamp"] for record in records] == [1627322480, 1627328617]


async def test_takes_milliseconds_for_seconds(session: ClientSession) -> None:
    """As recorded, a time in milliseconds is answered with 200 and an absurd Julian day."""
    async with running(WhereTheIss()) as simulator:
        url = f"{simulator.url}/satellites/25544?timestamp=1617134400000"
        record = await get(session, url)
    assert record["daynum"] == pytest.approx(21157420.833333)


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/satellites/25545", 404, "satellite not found"),
        ("/satellites/255440", 404, "satellite not found"),
        ("/planets", 404, "Invalid controller specified (planets)"),
        ("/satellites/25544/positions", 400, "invalid timestamp in list: "),
        ("/satellites/25544/positions?timestamps=1,-2", 400, "invalid timestamp in list: -2"),
        ("/satellites/25544?units=furlongs", 400, "Invalid Unit Provided"),
    ],
)
async def test_errors_are_worded_as_recorded(
    session: ClientSession, path: str, status: int, error: str
) -> None:
    """A wrong request gets an object with its reason and its status."""
    async with running(WhereTheIss()) as simulator:
        body = await get(session, simulator.url + path, status)
    assert body == {"error": error, "status": status}


async def test_only_get_is_allowed(session: ClientSession) -> None:
    """Another method gets 401, not 405."""
    async with (
        running(WhereTheIss()) as simulator,
        session.post(f"{simulator.url}/satellites/25544") as response,
    ):
        assert response.status == 401
        assert await response.json() == {"error": "authorization required", "status": 401}


async def test_tles_are_valid_and_echo_the_id(session: ClientSession) -> None:
    """The lines pass every check, the id is text as it was sent, and text is to be had."""
    async with running(WhereTheIss()) as simulator:
        record = await get(session, f"{simulator.url}/satellites/25544*/tles")
        url = f"{simulator.url}/satellites/25544/tles?format=text"
        async with session.get(url) as response:
            assert response.content_type == "text/plain"
            text = await response.text()
    parsed = elements_from_tle(record["line1"], record["line2"])
    assert parsed.epoch.timestamp() == pytest.approx(record["tle_timestamp"], abs=1)
    assert record["id"] == "25544*"
    assert text.splitlines() == [record["header"], record["line1"], record["line2"]]


@given(epoch=st.integers(1_767_225_600, 2_000_000_000), later_s=st.integers(-86_400, 86_400))
def test_both_simulators_speak_of_one_station(epoch: int, later_s: int) -> None:
    """SGP4 on Celestrak's elements stays within 25 km of wheretheiss's position for a day."""
    when = epoch + later_s
    computed = position_at(parse_omm(elements.omm(epoch)), datetime.fromtimestamp(when, UTC))
    place = iss.place(when)
    apart = math.dist(
        earth_fixed_km(computed.latitude_deg, computed.longitude_deg, computed.altitude_km),
        earth_fixed_km(place.latitude, place.longitude, place.altitude),
    )
    assert apart < 25
