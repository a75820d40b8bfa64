"""`/graphql`: the same resources, with fields chosen by the client, within limits."""

from http import HTTPStatus
from typing import Any

import pytest
import pytest_asyncio
from graphql import parse

from services.gateway.application import ROUTES
from services.gateway.graph.cost import QUOTA
from services.gateway.graph.schema import GraphSchema
from services.gateway.parsing import MAX_BODY_BYTES
from tests.contract.clients import execute, store
from tests.factories import position_events
from tests.gateways import Gateway
from tests.servers import Servers
from tests.waiting import wait_until

POSITIONS = 30


@pytest_asyncio.fixture
async def filled(gateway: Gateway, database_url: str) -> Gateway:
    """Give a gateway whose database holds positions."""
    await store(database_url, position_events(POSITIONS))
    return gateway


async def test_fields_are_chosen_and_pages_are_walked(filled: Gateway) -> None:
    """Every row comes once, the newest first."""
    seen: list[str] = []
    cursor: str | None = None
    while True:
        answer = await execute(
            filled,
            "query ($cursor: String) {"
            " positions(limit: 7, cursor: $cursor) { next items { time latitude_deg origin } } }",
            cursor=cursor,
        )
        assert "errors" not in answer or answer["errors"] is None
        page = answer["data"]["positions"]
        assert all(set(item) == {"time", "latitude_deg", "origin"} for item in page["items"])
        seen += [item["time"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == POSITIONS
    assert seen == sorted(seen, reverse=True)


async def test_everything_can_be_asked_and_is_empty_before_it_comes(gateway: Gateway) -> None:
    """Every field of the root answers, in one operation."""
    answer = await execute(
        gateway,
        """{
          position { time } elements { items { epoch } }
          datasets { total items { accession title } } dataset(accession: "OSD-1") { title }
          dataset_facets { total organism { value count } }
          images { total items { image_id instruments thumbnail_path } }
          image(image_id: "x") { title }
          trend { movement } pictures { items { title } }
          approaches { items { name } } flares { items { class_type } }
          ejections { items { cme_id } } launches { items { name net } }
          sources { items { name state } } system_health { status } system_stats { workers }
        }""",
    )
    assert answer["errors"] is None
    data = answer["data"]
    assert data["position"] is None
    assert data["dataset"] is None
    assert data["image"] is None
    assert data["datasets"] == {"total": 0, "items": []}


async def test_the_newest_position_comes_from_memory(gateway: Gateway) -> None:
    """It needs no row."""
    event = position_events(1)[0]
    await gateway.publish([event])

    async def known() -> bool:
        answer = await execute(gateway, "{ position { id latitude_deg } }")
        return bool(
            answer["data"]["position"]
            == {
                "id": str(event.id),
                "latitude_deg": event.data.latitude_deg,
            }
        )

    await wait_until(known, 10, "the position")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("{ positions(limit: 0) { next } }", "limit: expected greater than or equal to 1"),
        ("{ positions(limit: 1001) { next } }", "limit: expected less than or equal to 1000"),
        ('{ positions(cursor: "x") { next } }', "cursor: expected the cursor of an earlier page"),
        ('{ images(instrument: "HST") { next } }', "instrument: expected 'NIRCam'"),
        (
            '{ sky_events(from: "2026-01-01T00:00:00Z", to: "2028-01-01T00:00:00Z") { days } }',
            "to: expected after `from`, by at most 366 days",
        ),
        (
            'query ($at: DateTime = "2026-03-01T00:00:00") { flares(from: $at) { next } }',
            "from: expected to have timezone info",
        ),
        ('{ flares(to: "0001-01-01T00:00:00+14:00") { next } }', "to: expected"),
        ('{ sky_events(from: "9999-12-31T00:00:00Z") { days } }', "from: expected"),
        (
            '{ datasets(organism: "a\\u0000b") { next } }',
            "organism: expected to match pattern",
        ),
        ('{ image(image_id: "\\u0000") { title } }', "image_id: expected to match pattern"),
        ("{ nothing }", "Cannot query field 'nothing'"),
        ("{", "Syntax Error"),
        (
            "{ positions(limit: 200) { items { id time name origin provider norad_id footprint_km"
            " latitude_deg longitude_deg altitude_km velocity_kmh } } "
            + " ".join(
                f"p{i}: positions(limit: 200) {{ items {{ id time name origin provider norad_id"
                " footprint_km latitude_deg longitude_deg altitude_km velocity_kmh } }"
                for i in range(10)
            )
            + "}",
            "at most 20000 is allowed",
        ),
        (
            "{"
            + " ".join(
                f"p{i}: positions {{ items {{ " + "id time name origin provider norad_id "
                "footprint_km latitude_deg longitude_deg altitude_km velocity_kmh " * 3 + "} }"
                for i in range(20)
            )
            + "}",
            "at most 20000 is allowed",
        ),
        (
            "{ __schema { types {" + " fields { type {" * 3 + " name" + " }" * 9,
            "Maximum introspection depth exceeded",
        ),
    ],
)  # fmt: skip
async def test_what_is_wrong_or_too_much_is_refused_with_the_reason(
    gateway: Gateway, query: str, reason: str
) -> None:
    """The message says what to change."""
    answer = await execute(gateway, query)
    assert any(reason in error["message"] for error in answer["errors"]), answer["errors"]


async def test_a_client_s_mistakes_are_not_logged(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    """What a client wrote is its own: it may be long, and hold anything."""
    with caplog.at_level("WARNING"):
        for query in ('{ positions(limit: 0, cursor: "secret") { next } }', "{ secret }", "{"):
            assert (await execute(gateway, query))["errors"]
    assert caplog.records == []


async def test_sources_without_the_broker_are_the_last_known_or_503(
    gateway: Gateway, servers: Servers
) -> None:
    """The broker is away, which is no fault of this process."""
    servers.valkey.stop()
    try:
        body = {"query": "{ sources { items { name } } }"}
        async with gateway.http.post("/graphql", json=body) as response:
            assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
            assert "Retry-After" in response.headers
    finally:
        servers.valkey.start()


async def test_an_operation_without_the_database_is_503(gateway: Gateway, servers: Servers) -> None:
    """As of every other route, and not an answer that blames itself."""
    servers.postgres.stop()
    try:
        body = {"query": "{ flares { next } }"}
        async with gateway.http.post("/graphql", json=body) as response:
            assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
    finally:
        servers.postgres.start()


async def test_a_large_answer_is_compressed_and_never_304(filled: Gateway) -> None:
    """What a POST brought is not kept, so it has no validator."""
    body = {"query": "{ positions { items { id time name origin provider } } }"}
    headers = {"Accept-Encoding": "gzip", "If-None-Match": "*"}
    async with filled.http.post("/graphql", json=body, headers=headers) as response:
        assert response.status == HTTPStatus.OK
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert "ETag" not in response.headers
        assert len((await response.json())["data"]["positions"]["items"]) == POSITIONS


async def test_an_operation_that_is_not_there_is_refused_by_name(gateway: Gateway) -> None:
    """Its name is repeated, so that a typing error is seen."""
    body = {"query": "{ position { time } }", "operationName": "Latest"}
    async with gateway.http.post("/graphql", json=body) as response:
        assert response.status == HTTPStatus.OK
        (error,) = (await response.json())["errors"]
    assert error["message"] == "operationName: there is no operation Latest"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b'{"query": 1}', HTTPStatus.UNPROCESSABLE_ENTITY, "query"),
        (b"{}", HTTPStatus.UNPROCESSABLE_ENTITY, "query"),
        (b"nonsense", HTTPStatus.UNPROCESSABLE_ENTITY, "body"),
    ],
)
async def test_a_body_that_is_no_operation_is_a_problem(
    gateway: Gateway, body: bytes, status: HTTPStatus, field: str
) -> None:
    """As everywhere: a problem document with the field."""
    headers = {"Content-Type": "application/json"}
    async with gateway.http.post("/graphql", data=body, headers=headers) as response:
        assert response.status == status
        document = await response.json(content_type="application/problem+json")
        assert [error["field"] for error in document["errors"]] == [field]


async def test_a_body_that_is_too_large_is_a_problem(gateway: Gateway) -> None:
    """It says how large one may be."""
    body = {"query": "{ position { time } }" + " " * MAX_BODY_BYTES}
    async with gateway.http.post("/graphql", json=body) as response:
        assert response.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        problem = await response.json(content_type="application/problem+json")
    assert str(MAX_BODY_BYTES) in problem["detail"]


async def test_another_media_type_is_refused(gateway: Gateway) -> None:
    """A form of another site cannot ask: it has no JSON to send."""
    async with gateway.http.post("/graphql", data={"query": "{ position { time } }"}) as response:
        assert response.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def cost_of(query: str, **variables: Any) -> int:
    """Return what an operation costs."""
    return GraphSchema(ROUTES).cost_of(parse(query), variables)


def test_the_cost_of_a_list_is_that_of_its_items_times_its_limit() -> None:
    """Variables and defaults count; fragments count where they are spread."""
    assert cost_of("{ position { time name } __typename }") == 4
    assert cost_of("{ flares(limit: 10) { items { url } } }") == 21
    assert cost_of("{ flares { items { url } } }") == 101
    assert cost_of("{ positions { items { id elements { epoch } } } }") == 401
    limited = "($n: Int{}) {{ flares(limit: $n) {{ next }} }}".format
    assert cost_of("query " + limited("!"), n=5) == 6
    assert cost_of("query " + limited("! = 9")) == 10
    assert cost_of("query " + limited("! = 9"), n=200.0) == 201
    assert cost_of("query " + limited("")) == 51
    spread = "{ ...F a: flares(limit: 3) { ...G } } fragment G on FlaresPage { next items { url } }"
    assert (
        cost_of(spread + " fragment F on Query { ... { trend { dt_sec } position { id } } }") == 14
    )


def test_the_cost_of_what_has_no_limit_is_that_of_what_was_asked_for() -> None:
    """Buckets, points, days; and what another service computes costs as much more as elsewhere."""
    begin = "2026-03-01T00:00:00Z"
    chart = f'positions_chart(from: "{begin}", points: 500) {{ grain }}'
    assert cost_of(f"{{ {chart} }}") == 501
    assert cost_of("{ track(duration_s: 600) { time } }") == 2 * QUOTA + 12
    assert cost_of("{ passes(lat: 1, lon: 1, days: 1) { time } }") == 2 * QUOTA + 9
    days = [("", 7), ("(days: 30)", 30), (f'(from: "{begin}", to: "2026-03-02T12:00:00Z")', 2)]
    for arguments, length in days:
        assert cost_of(f"{{ sky_events{arguments} {{ days }} }}") == 3 * QUOTA + 1 + 5 * length
    year = f'(to: "{begin}")'
    assert cost_of(f"{{ sky_events{year} {{ days }} }}") == 3 * QUOTA + 1 + 5 * 366


def test_what_will_be_refused_costs_nothing() -> None:
    """The reason is worth more to a client than a bound."""
    assert cost_of("{ flares(limit: 1000000) { items { url } } }") == 1
    assert cost_of("query ($n: Int!) { flares(limit: $n) { items { url } } }", n="x") == 0


def test_fragments_that_double_each_other_are_counted_in_no_time() -> None:
    """Sixty of them would be 2^60 fields; each is looked at once."""
    depth = 60
    fragments = " ".join(
        f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(depth)
    )
    last = f"fragment F{depth} on Query {{ __typename }}"
    assert cost_of(f"{{ ...F0 }} {fragments} {last}") == 2**depth


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_is_not_what_its_encoding_says_is_a_problem(
    gateway: Gateway, encoding: str
) -> None:
    """The client's, not ours."""
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    async with gateway.http.post("/graphql", data=b"abc", headers=headers) as response:
        assert response.status == HTTPStatus.BAD_REQUEST
        assert (await response.json())["type"].endswith("bad-request")
