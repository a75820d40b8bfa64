"""The simulator of MAST has the recorded formats, and its silences."""

import json
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.upstreams.mast import PATH, Mast, mjd
from tests.upstreams.server import running


def question(filters: dict[str, list[Any]], **more: Any) -> str:
    """Return a request as it is sent in the form field."""
    params = {
        "columns": "*",
        "filters": [{"paramName": name, "values": values} for name, values in filters.items()],
    }
    return json.dumps({"service": "Mast.Caom.Filtered", "format": "json", "params": params} | more)


async def ask(session: ClientSession, simulator: Mast, text: str) -> Any:
    """Return the JSON of an answer to a form."""
    async with session.post(simulator.url + PATH, data={"request": text}) as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        return await response.json()


async def test_a_page_has_the_recorded_shape(session: ClientSession) -> None:
    """Status, message, rows, fields and paging, and only what was asked for."""
    async with running(Mast(count=20)) as simulator:
        body = await ask(
            session, simulator, question({"obs_collection": ["JWST"]}, pagesize=8, page=2)
        )
    assert list(body) == ["status", "msg", "data", "fields", "paging"]
    assert (body["status"], len(body["data"])) == ("COMPLETE", 8)
    assert body["paging"] == {
        "page": 2,
        "pageSize": 8,
        "pagesFiltered": 3,
        "rows": 8,
        "rowsFiltered": 20,
        "rowsTotal": 20,
    }
    assert {type(row["obsid"]) for row in body["data"]} == {int, str}


async def test_get_and_post_are_the_same(session: ClientSession) -> None:
    """The request may stand in the query, too."""
    text = question({"obs_collection": ["JWST"]})
    async with running(Mast(count=5)) as simulator:
        posted = await ask(session, simulator, text)
        async with session.get(simulator.url + PATH, params={"request": text}) as response:
            assert await response.json() == posted


async def test_unknown_filters_are_ignored(session: ClientSession) -> None:
    """The whole table comes back with status 200, other missions' rows and all."""
    async with running(Mast(count=5)) as simulator:
        body = await ask(session, simulator, question({"obs_colection": ["JWST"]}))
        assert len(body["data"]) == len(simulator.rows()) == 10
    assert {row["obs_collection"] for row in body["data"]} == {"HST", "JWST"}


async def test_a_range_of_release_times(session: ClientSession) -> None:
    """Both ends are included; dates are Modified Julian Dates."""
    async with running(Mast(count=20)) as simulator:
        start, apart = simulator.start, simulator.apart_s
        span = {"min": mjd(start - 3 * apart), "max": mjd(start - apart)}
        body = await ask(
            session, simulator, question({"t_obs_release": [span], "obs_collection": ["JWST"]})
        )
    assert [row["t_obs_release"] for row in body["data"]] == [
        mjd(start - index * apart) for index in (1, 2, 3)
    ]


async def test_null_columns_go_on_request(session: ClientSession) -> None:
    """A column that is null in all rows of the page is not there."""
    async with running(Mast(count=5)) as simulator:
        body = await ask(session, simulator, question({}, removenullcolumns=True, pagesize=7))
        whole = await ask(session, simulator, question({}, pagesize=7))
    assert not any("srcDen" in row for row in body["data"])
    assert any(row.get("srcDen", "") is None for row in whole["data"])


async def test_executing_before_the_answer(session: ClientSession) -> None:
    """The same question is answered after so many repetitions; another one starts anew."""
    async with running(Mast(count=5)) as simulator:
        simulator.executing = 2
        text = question({"obs_collection": ["JWST"]})
        states = [(await ask(session, simulator, text))["status"] for _ in range(4)]
    assert states == ["EXECUTING", "EXECUTING", "COMPLETE", "EXECUTING"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"service": "Mast.Name.Lookup", "params": {"filters": []}}']
)
async def test_what_it_cannot_answer_is_an_error_with_200(
    session: ClientSession, text: str
) -> None:
    """The status is in the body."""
    async with running(Mast(count=5)) as simulator:
        assert (await ask(session, simulator, text))["status"] == "ERROR"


async def test_counting_only(session: ClientSession) -> None:
    """`COUNT_BIG(*)` gives one row with one column."""
    text = question({"obs_collection": ["JWST"]}).replace('"*"', '"COUNT_BIG(*)"')
    async with running(Mast(count=5)) as simulator:
        assert (await ask(session, simulator, text))["data"] == [{"Column1": 5}]
