"""The simulator of jwstapi.com has the recorded formats."""

from typing import Any

import pytest
from aiohttp import ClientSession

from tests.upstreams.jwstapi import KEY, JwstApi
from tests.upstreams.server import running


async def get(session: ClientSession, url: str, key: str = KEY) -> tuple[int, Any]:
    """Return status and envelope of an answer."""
    async with session.get(url, headers={"X-API-KEY": key}) as response:
        assert response.content_type == "application/json"
        return response.status, await response.json()


async def test_an_item_has_the_recorded_fields(session: ClientSession) -> None:
    """Fields and types are those of the recorded items."""
    async with running(JwstApi(count=3)) as simulator:
        status, body = await get(session, f"{simulator.url}/all/type/jpg?page=1&perPage=1")
    assert (status, body["statusCode"], body["error"]) == (200, 200, "")
    (item,) = body["body"]
    assert {name: type(value) for name, value in item.items()} == {
        "id": str,
        "observation_id": str,
        "program": int,
        "details": dict,
        "file_type": str,
        "thumbnail": str,
        "location": str,
    }
    assert set(item["details"]) == {"mission", "instruments", "suffix", "description"}


async def test_pages_count_from_one_and_end_empty(session: ClientSession) -> None:
    """Without a page everything comes at once; beyond the end the body is empty."""
    async with running(JwstApi(count=30)) as simulator:
        url = f"{simulator.url}/all/type/jpg"
        whole = (await get(session, url))[1]["body"]
        pages = [(await get(session, f"{url}?page={n}&perPage=20"))[1]["body"] for n in (1, 2, 3)]
    assert pages == [whole[:20], whole[20:], []]
    assert len(whole) == 36
    assert {item["file_type"] for item in whole} == {"jpg"}


@pytest.mark.parametrize(
    "path", ["/all/type/fits", "/all/suffix/_thumb", "/program/id/2731", "/program/list"]
)
async def test_other_listings(session: ClientSession, path: str) -> None:
    """They have the same envelope."""
    async with running(JwstApi(count=30)) as simulator:
        status, body = await get(session, simulator.url + path)
    assert (status, body["statusCode"]) == (200, 200)
    assert body["body"]


async def test_a_wrong_key_is_refused_and_echoed(session: ClientSession) -> None:
    """The refusal holds what was sent, as gateways do it."""
    async with running(JwstApi()) as simulator:
        status, body = await get(session, f"{simulator.url}/program/list", key="nonsense")
    assert status == body["statusCode"] == 403
    assert "nonsense" in body["error"]


async def test_an_error_inside_of_a_200(session: ClientSession) -> None:
    """The envelope may tell of an error that HTTP does not know of."""
    async with running(JwstApi()) as simulator:
        simulator.envelope_status = 500
        status, body = await get(session, f"{simulator.url}/program/list")
    assert (status, body["statusCode"]) == (200, 500)
    assert not body.get("body")
