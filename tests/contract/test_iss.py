"""`/api/v1/iss/...`: position, history, trend, and how they refuse."""

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from itertools import pairwise
from typing import Any

import pytest
from yarl import URL

from libs.common.clock import iso
from libs.common.database import create_pool
from libs.common.events import Event, Origin, Provenance
from services.persistence.repository import Repository, prepare_connection
from tests.clocks import MovingClock
from tests.factories import START, position_event, position_events
from tests.gateways import Gateway, running_gateway
from tests.waiting import wait_until

POSITION = "/api/v1/iss/position"
POSITIONS = "/api/v1/iss/positions"
TREND = "/api/v1/iss/trend"


async def store(database_url: str, events: Sequence[Event]) -> None:
    """Write events the way persistence does."""
    pool = create_pool(database_url, name="test", size=2, configure=prepare_connection)
    await pool.open()
    try:
        assert await Repository(pool).store(events) == []
    finally:
        await pool.close()


async def get(gateway: Gateway, path: str, **params: str) -> Any:
    """Return the document of a GET that must succeed."""
    async with gateway.http.get(path, params=params) as response:
        assert response.status == HTTPStatus.OK, await response.text()
        return await response.json()


async def newest_is(gateway: Gateway, event: Event) -> None:
    """Wait until the gateway has an event as its newest position."""

    async def arrived() -> bool:
        async with gateway.http.get(POSITION) as response:
            document = await response.json(content_type=None)
            return bool(document.get("id") == str(event.id))

    await wait_until(arrived, 10, "the position of the event")


async def test_position_is_the_newest_event_with_its_provenance(gateway: Gateway) -> None:
    """The answer says where the station is, when, since when we know, and from whom."""
    event = position_event(3)
    await gateway.publish([position_event(1), event, position_event(2)])
    await newest_is(gateway, event)
    document = await get(gateway, POSITION)
    assert document["time"] == iso(event.time)
    assert document["fetched_at"] == iso(event.fetchedat)
    assert (document["origin"], document["provider"]) == ("live", "wheretheiss.at")
    assert document["latitude_deg"] == event.data.latitude_deg
    assert document["elements"] is None


async def test_position_says_that_it_is_computed_and_how_old_its_elements_are(
    gateway: Gateway,
) -> None:
    """A computed position never passes as a live one."""
    epoch = START - timedelta(days=40)
    event = position_event(
        provenance=Provenance("sgp4", Origin.COMPUTED, START),
        elements_epoch=epoch,
        elements_age_s=40 * 86_400.0,
        elements_trusted=False,
    )
    await gateway.publish([event])
    await newest_is(gateway, event)
    document = await get(gateway, POSITION)
    assert document["origin"] == "computed"
    assert document["elements"] == {
        "epoch": iso(epoch),
        "age_s": 40 * 86_400.0,
        "trusted": False,
    }


async def test_position_before_any_data_is_a_problem_that_says_when_to_return(
    gateway: Gateway,
) -> None:
    """Nothing is invented while nothing is known."""
    async with gateway.http.get(POSITION) as response:
        assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert response.headers["Retry-After"] == "5"
        assert response.content_type == "application/problem+json"


async def test_position_answers_304_to_who_has_it_and_always_tells_its_age(
    gateway: Gateway,
) -> None:
    """The ETag names the datum; the age counts from the time that the datum speaks of."""
    event = position_event()
    await gateway.publish([event])
    await newest_is(gateway, event)
    async with gateway.http.get(POSITION) as first:
        etag, age = first.headers["ETag"], int(first.headers["Age"])
    assert age > 86_400
    async with gateway.http.get(POSITION, headers={"If-None-Match": etag}) as second:
        assert second.status == HTTPStatus.NOT_MODIFIED
        assert int(second.headers["Age"]) >= age
        assert await second.read() == b""
    await gateway.publish([position_event(1)])
    await newest_is(gateway, position_event(1))
    async with gateway.http.get(POSITION, headers={"If-None-Match": etag}) as third:
        assert third.status == HTTPStatus.OK


async def test_an_event_from_the_future_does_not_become_the_newest(gateway: Gateway) -> None:
    """A wrong clock somewhere must not hide every later position."""
    ahead = position_event(time=START + timedelta(days=365_000))
    await gateway.publish([ahead, position_event(1)])
    await newest_is(gateway, position_event(1))


async def test_a_started_gateway_knows_the_state_from_the_stream(
    valkey_url: str, reader_database_url: str
) -> None:
    """What was published before it started is answered at once."""
    async with running_gateway(valkey_url, reader_database_url) as first:
        await first.publish(position_events(5))
    async with running_gateway(valkey_url, reader_database_url) as second:
        assert (await get(second, POSITION))["id"] == str(position_event(4).id)
        assert (await get(second, TREND, limit="5"))["dt_sec"] == 4.0


async def test_a_started_gateway_knows_the_state_from_the_database(
    valkey_url: str, database_url: str, reader_database_url: str
) -> None:
    """A broker that lost everything does not make the gateway forget."""
    await store(database_url, position_events(5))
    async with running_gateway(valkey_url, reader_database_url) as gateway:
        assert (await get(gateway, POSITION))["id"] == str(position_event(4).id)
        last = await get(gateway, "/last")
        assert last["id"] == position_event(4).sequence
        assert last["payload"] == position_event(4).data.upstream_body


async def test_pages_of_positions_hold_every_row_once_in_either_order(
    gateway: Gateway, database_url: str
) -> None:
    """Following `next` to its end gives all rows, in order, none twice."""
    # Two rows in each second: the cursor must not lose one of a pair at a page's end.
    computed = Provenance("sgp4", Origin.COMPUTED, START)
    events = [
        event
        for index in range(25)
        for event in (position_event(index), position_event(index, provenance=computed))
    ]
    await store(database_url, events)
    for order in ("asc", "desc"):
        seen: list[tuple[str, str]] = []
        params = {"limit": "7", "order": order}
        while True:
            page = await get(gateway, POSITIONS, **params)
            seen += [(item["time"], item["id"]) for item in page["items"]]
            if page["next"] is None:
                break
            params["cursor"] = page["next"]
        assert {identity for _, identity in seen} == {str(event.id) for event in events}
        assert len(seen) == len(events)
        pairs = pairwise(seen if order == "asc" else reversed(seen))
        assert all(earlier < later for earlier, later in pairs)


async def test_positions_are_those_from_a_time_to_before_another(
    gateway: Gateway, database_url: str
) -> None:
    """`from` is included and `to` is not, so that ranges can be joined."""
    await store(database_url, position_events(10))
    page = await get(
        gateway,
        POSITIONS,
        **{"from": iso(position_event(3).time), "to": iso(position_event(6).time), "order": "asc"},
    )
    assert [item["time"] for item in page["items"]] == [
        iso(position_event(index).time) for index in (3, 4, 5)
    ]
    assert all(item["stored_at"] for item in page["items"])
    assert page["next"] is None


async def test_the_next_page_is_also_a_link(gateway: Gateway, database_url: str) -> None:
    """RFC 8288: a client can follow `Link` without reading the body."""
    await store(database_url, position_events(3))
    async with gateway.http.get(POSITIONS, params={"limit": "2"}) as response:
        target = URL(response.links["next"]["url"])
        cursor = (await response.json())["next"]
    assert target.query == {"limit": "2", "cursor": cursor}
    page = await get(gateway, str(target.relative()))
    assert [item["id"] for item in page["items"]] == [str(position_event(0).id)]


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        (POSITIONS, {"limit": "0"}, "limit"),
        (POSITIONS, {"limit": "1001"}, "limit"),
        (POSITIONS, {"limit": "many"}, "limit"),
        (POSITIONS, {"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, "from"),
        (POSITIONS, {"from": "2026-03-02T00:00:00"}, "from"),
        (POSITIONS, {"to": "tomorrow"}, "to"),
        (POSITIONS, {"cursor": "broken"}, "cursor"),
        (POSITIONS, {"cursor": "x" * 300}, "cursor"),
        (POSITIONS, {"order": "random"}, "order"),
        (POSITIONS, {"form": "2026-03-02T00:00:00Z"}, "form"),
        (POSITION, {"latitude": "91"}, "latitude"),
        (TREND, {"limit": "1"}, "limit"),
    ],
)
async def test_a_wrong_parameter_is_named(
    gateway: Gateway, path: str, params: dict[str, str], field: str
) -> None:
    """422, a problem document, the field at fault, and the request's id in body and header."""
    async with gateway.http.get(path, params=params) as response:
        assert response.status == HTTPStatus.UNPROCESSABLE_ENTITY
        assert response.content_type == "application/problem+json"
        problem = await response.json(content_type=None)
        assert problem["request_id"] == response.headers["X-Request-Id"]
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["status"] == HTTPStatus.UNPROCESSABLE_ENTITY
    assert problem["instance"] == path


async def test_a_plus_in_a_time_zone_need_not_be_escaped(
    gateway: Gateway, database_url: str
) -> None:
    """`+03:00` arrives as a space, which everybody forgets."""
    await store(database_url, position_events(2))
    page = await get(gateway, f"{POSITIONS}?from=2026-03-01T15:00:01+03:00")
    assert [item["id"] for item in page["items"]] == [str(position_event(1).id)]


async def test_history_without_a_database_is_503_and_comes_back(
    gateway: Gateway, servers: Any
) -> None:
    """The latest value goes on, history says when to return, and recovers by itself."""
    event = position_event()
    await gateway.publish([event])
    await newest_is(gateway, event)
    servers.postgres.stop()
    try:
        async with gateway.http.get(POSITIONS) as response:
            assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
            assert "Retry-After" in response.headers
        assert (await get(gateway, POSITION))["id"] == str(event.id)
    finally:
        servers.postgres.start()

    async def answers() -> bool:
        async with gateway.http.get(POSITIONS) as response:
            return response.status == HTTPStatus.OK

    await wait_until(answers, 30, "history after the database's return")


async def test_the_trend_is_the_movement_over_as_many_fixes_as_asked_for(
    gateway: Gateway,
) -> None:
    """Distance is summed from fix to fix, so that an orbit is not its chord."""
    # Along the equator, a degree a second.
    track = [
        position_event(index, latitude_deg=0.0, longitude_deg=float(index)) for index in range(10)
    ]
    await gateway.publish(track)
    await newest_is(gateway, track[-1])
    one_degree_km = 6_371.0 * 3.141592653589793 / 180
    for limit in (2, 5, 10):
        trend = await get(gateway, TREND, limit=str(limit))
        assert trend["delta_km"] == pytest.approx((limit - 1) * one_degree_km)
        assert trend["dt_sec"] == limit - 1
        assert trend["to_time"] == iso(track[-1].time)


async def test_errors_of_the_server_itself_are_problem_documents_too(gateway: Gateway) -> None:
    """An unknown path and a wrong method have the same form, and no banner."""
    for method, path, status, next_step in (
        ("GET", "/api/v1/nothing", HTTPStatus.NOT_FOUND, "/docs"),
        ("DELETE", POSITION, HTTPStatus.METHOD_NOT_ALLOWED, "GET"),
    ):
        async with gateway.http.request(method, path) as response:
            assert response.status == status
            assert response.content_type == "application/problem+json"
            assert "Server" not in response.headers
            problem = await response.json(content_type=None)
        assert problem["status"] == status
        assert next_step in problem["detail"]


async def test_a_request_id_is_kept_when_it_is_a_sane_one(gateway: Gateway) -> None:
    """A trace that began in front of us goes on; a log cannot be written into by a header."""
    async with gateway.http.get("/health", headers={"X-Request-Id": "abc-123"}) as response:
        assert response.headers["X-Request-Id"] == "abc-123"
    async with gateway.http.get("/health", headers={"X-Request-Id": "a b{}"}) as response:
        assert response.headers["X-Request-Id"] not in {"a b{}", ""}


@pytest.mark.parametrize(
    "since",
    [
        "Mon, 01 Jan 2020 00:00:00 +99999999999999999",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "yesterday",
    ],
)
async def test_a_date_beyond_all_calendars_is_as_good_as_none(gateway: Gateway, since: str) -> None:
    """Whatever a client says that it has, it gets the answer."""
    event = position_event(1)
    await gateway.publish([event])
    await newest_is(gateway, event)
    async with gateway.http.get(POSITION, headers={"If-Modified-Since": since}) as response:
        assert response.status == HTTPStatus.OK


async def test_a_page_that_grew_a_next_one_is_modified(
    valkey_url: str, database_url: str, reader_database_url: str
) -> None:
    """None of its rows is newer; whoever asks by date is told of `next` all the same."""
    clock = MovingClock(START + timedelta(minutes=5))
    await store(database_url, position_events(2))
    async with running_gateway(valkey_url, reader_database_url, clock=clock) as gateway:
        page = {"from": iso(START), "order": "asc", "limit": "2"}
        async with gateway.http.get(POSITIONS, params=page) as response:
            assert (await response.json())["next"] is None
            seen = {"If-Modified-Since": response.headers["Last-Modified"]}
        await store(database_url, [position_event(2)])
        # Past its life in the cache, in which it may be stale.
        clock.move(3_600)
        async with gateway.http.get(POSITIONS, params=page, headers=seen) as response:
            assert response.status == HTTPStatus.OK
            assert (await response.json())["next"] is not None
