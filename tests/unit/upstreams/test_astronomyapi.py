"""The simulator of AstronomyAPI has the documented formats."""

from typing import Any

import pytest
from aiohttp import ClientSession

from tests.upstreams.astronomyapi import AstronomyApi
from tests.upstreams.server import running

ASKED = {
    "latitude": "38.8",
    "longitude": "-84.4",
    "elevation": "0",
    "from_date": "2024-01-01",
    "to_date": "2024-12-31",
    "time": "00:00:00",
    "output": "rows",
}


async def get(
    session: ClientSession, api: AstronomyApi, path: str = "/bodies/events/moon", **changes: str
) -> tuple[int, Any]:
    """Return status and body of an answer; one parameter may be left out."""
    without = changes.pop("without", "")
    headers = {"Authorization": f"Basic {changes.pop('token', api.token)}"}
    asked = {key: value for key, value in (ASKED | changes).items() if key != without}
    async with session.get(api.url + path, params=asked, headers=headers) as response:
        return response.status, await response.json()


@pytest.mark.parametrize("body", ["sun", "moon"])
async def test_rows_have_the_documented_shape(session: ClientSession, body: str) -> None:
    """The place, the window, a row for the body, and an event per eclipse seen."""
    async with running(AstronomyApi()) as api:
        status, answer = await get(session, api, f"/bodies/events/{body}")
    assert status == 200
    data = answer["data"]
    assert data["observer"]["location"] == {"longitude": -84.4, "latitude": 38.8, "elevation": 0}
    assert data["dates"]["from"].endswith("-05:00")
    (row,) = data["rows"]
    assert row["body"] == {"id": body, "name": body.capitalize()}
    assert row["events"]
    for event in row["events"]:
        assert set(event) == {"type", "eventHighlights", "rise", "set", "extraInfo"}
        moments = [moment for moment in event["eventHighlights"].values() if moment]
        assert any(moment["altitude"] > 0 for moment in moments)
        assert all(moment["date"].endswith("-05:00") for moment in moments)


async def test_keys_are_misspelt_as_in_the_samples(session: ClientSession) -> None:
    """And rightly spelt on request."""
    async with running(AstronomyApi()) as api:
        _, wrong = await get(session, api)
        api.misspelt = False
        _, right = await get(session, api)
    assert "pemumbralStart" in wrong["data"]["rows"][0]["events"][0]["eventHighlights"]
    assert "penumbralStart" in right["data"]["rows"][0]["events"][0]["eventHighlights"]


@pytest.mark.parametrize("name", ["latitude", "longitude", "elevation", "from_date", "time"])
async def test_every_parameter_is_required(session: ClientSession, name: str) -> None:
    """422 names the missing one and repeats the others."""
    async with running(AstronomyApi()) as api:
        status, answer = await get(session, api, without=name)
    assert status == answer["statusCode"] == 422
    assert answer["errors"][0]["message"] == f'requires property "{name}"'
    assert name not in answer["errors"][0]["instance"]


async def test_at_most_366_days(session: ClientSession) -> None:
    """A day more is refused."""
    async with running(AstronomyApi()) as api:
        assert (await get(session, api, to_date="2025-01-01"))[0] == 200
        assert (await get(session, api, to_date="2025-01-02"))[0] == 422


async def test_refusals(session: ClientSession) -> None:
    """Wrong credentials are denied; a wrong path echoes the credentials."""
    async with running(AstronomyApi()) as api:
        denied = await get(session, api, token="bm9ib2R5OndobyBpcyBrbm93bg==")
        status, lost = await get(session, api, "/bodies/events")
        assert denied[0] == status == 403
        assert "explicit deny" in denied[1]["Message"]
        assert api.token in lost["message"]
