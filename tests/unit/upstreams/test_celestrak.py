"""The simulator of Celestrak has the recorded formats and keeps its usage policy."""

import csv
import json
import time
from datetime import UTC, datetime

import pytest
from aiohttp import ClientError, ClientSession

from services.ingest_iss.omm import parse_omm
from tests.unit.ingest_iss.tle import elements_from_tle
from tests.upstreams.celestrak import PATH, Celestrak
from tests.upstreams.faults import Fault
from tests.upstreams.server import running

RECORDED_TYPES: dict[str, type] = {
    "OBJECT_NAME": str,
    "OBJECT_ID": str,
    "EPOCH": str,
    "MEAN_MOTION": float,
    "ECCENTRICITY": float,
    "INCLINATION": float,
    "RA_OF_ASC_NODE": float,
    "ARG_OF_PERICENTER": float,
    "MEAN_ANOMALY": float,
    "EPHEMERIS_TYPE": int,
    "CLASSIFICATION_TYPE": str,
    "NORAD_CAT_ID": int,
    "ELEMENT_SET_NO": int,
    "REV_AT_EPOCH": int,
    "BSTAR": float,
    "MEAN_MOTION_DOT": float,
    "MEAN_MOTION_DDOT": int,
}


class SettableClock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.time = 1_791_574_969.0

    def __call__(self) -> float:
        """Return the time that it stands at."""
        return self.time


async def get(session: ClientSession, simulator: Celestrak, query: str) -> tuple[int, str, str]:
    """Return status, content type and text."""
    async with session.get(f"{simulator.url}{PATH}?{query}") as response:
        return response.status, response.content_type, await response.text()


@pytest.mark.parametrize("wire_format", ["JSON", "json", "JSON-PRETTY"])
async def test_json_has_the_recorded_keys_and_types(
    session: ClientSession, wire_format: str
) -> None:
    """JSON is an array of one record with the recorded keys; its epoch is as old as asked for."""
    async with running(Celestrak(elements_age_s=3_600)) as simulator:
        status, content_type, text = await get(
            session, simulator, f"CATNR=25544&FORMAT={wire_format}"
        )
    assert (status, content_type) == (200, "application/json")
    (record,) = json.loads(text)
    assert {key: type(value) for key, value in record.items()} == RECORDED_TYPES
    age_s = time.time() - parse_omm(record).epoch.timestamp()
    assert age_s == pytest.approx(3_600, abs=10)


@pytest.mark.parametrize(("wire_format", "lines"), [("TLE", 3), ("3LE", 3), ("2LE", 2)])
async def test_lines_are_valid(session: ClientSession, wire_format: str, lines: int) -> None:
    """The line formats end in CR LF and pass every check."""
    async with running(Celestrak()) as simulator:
        _, content_type, text = await get(session, simulator, f"CATNR=25544&FORMAT={wire_format}")
    assert content_type == "text/plain"
    assert text.count("\r\n") == lines
    parsed = elements_from_tle(*text.splitlines()[-2:])
    assert parsed.epoch.timestamp() == pytest.approx(simulator.epoch, abs=0.001)


async def test_csv_is_the_default(session: ClientSession) -> None:
    """Whoever sends no format gets CSV."""
    async with running(Celestrak()) as simulator:
        _, content_type, text = await get(session, simulator, "CATNR=25544")
    assert content_type == "text/csv"
    (row,) = csv.DictReader(text.splitlines())
    assert parse_omm(row).norad_id == 25544


async def test_a_second_download_is_refused_until_the_period_is_over(
    session: ClientSession,
) -> None:
    """A repeat gets prose with 403, again and again, and elements after two hours."""
    clock = SettableClock()
    query = "CATNR=25544&FORMAT=JSON"
    async with running(Celestrak(clock=clock)) as simulator:
        assert (await get(session, simulator, query))[0] == 200
        clock.time += 7_199
        status, content_type, text = await get(session, simulator, query)
        clock.time += 1
        after = await get(session, simulator, query)
    first = datetime.fromtimestamp(1_791_574_969, UTC)
    assert (status, content_type) == (403, "text/plain")
    assert text.startswith("GP data has not updated since your last successful")
    assert f"{first:%Y-%m-%d %H:%M:%S} UTC" in text
    assert after[0] == 200
    assert simulator.downloads == [clock.time - 7_200, clock.time]
    assert simulator.repeats == 1


async def test_the_period_can_be_switched_off(session: ClientSession) -> None:
    """Without a period, or with the downloads forgotten, a repeat gets elements."""
    async with running(Celestrak(update_period_s=0)) as simulator:
        assert (await get(session, simulator, "CATNR=25544"))[0] == 200
        assert (await get(session, simulator, "CATNR=25544"))[0] == 200
        simulator.update_period_s = 7_200
        assert (await get(session, simulator, "CATNR=25544"))[0] == 403
        simulator.forget_downloads()
        assert (await get(session, simulator, "CATNR=25544"))[0] == 200


async def test_an_unknown_satellite_is_not_found_with_200(session: ClientSession) -> None:
    """What is not there is told in prose with status 200, and is no download."""
    async with running(Celestrak()) as simulator:
        answer = await get(session, simulator, "CATNR=99999&FORMAT=JSON")
    assert answer == (200, "text/plain", "No GP data found")
    assert simulator.downloads == []


@pytest.mark.parametrize(
    ("fault", "status"), [(Fault.NOT_UPDATED_403, 403), (Fault.NOT_UPDATED_200, 200)]
)
async def test_says_not_updated_on_request(
    session: ClientSession, fault: Fault, status: int
) -> None:
    """The prose can be had at once, with either status."""
    async with running(Celestrak()) as simulator:
        simulator.fault = fault
        answer = await get(session, simulator, "CATNR=25544&FORMAT=JSON")
    assert answer[:2] == (status, "text/plain")
    assert "has not updated since your last successful" in answer[2]


async def test_stale_elements_are_older(session: ClientSession) -> None:
    """A stale Celestrak gives elements from before."""
    async with running(Celestrak(elements_age_s=0, update_period_s=0)) as simulator:
        simulator.fault = Fault.STALE
        simulator.stale_by_s = 90 * 86_400
        text = (await get(session, simulator, "CATNR=25544&FORMAT=JSON"))[2]
    parsed = parse_omm(json.loads(text)[0])
    assert parsed.epoch.timestamp() == pytest.approx(simulator.epoch - 90 * 86_400, abs=0.001)


async def test_the_firewall_closes_after_fifty_calls(session: ClientSession) -> None:
    """Enforcing its policy, it resets the connection of the 51st call in two hours."""
    async with running(Celestrak(enforce_limits=True)) as simulator:
        for _ in range(50):
            await get(session, simulator, "CATNR=25544&FORMAT=JSON")
        with pytest.raises(ClientError):
            await get(session, simulator, "CATNR=25544&FORMAT=JSON")
    assert simulator.log.violations > 0
