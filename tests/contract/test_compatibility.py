"""The paths of the earlier systems: names, types, null behaviour."""

import asyncio
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from libs.common.events import Origin, Provenance
from libs.common.polling.refreshing import RefreshCommand
from libs.common.topology import COMMANDS_REFRESH
from tests.factories import START, position_event
from tests.gateways import Gateway, running_gateway
from tests.waiting import wait_until

A_MOMENT = timedelta(seconds=10)
LAST = ("/last", "/api/iss/last", "/api/v1/iss/last")


async def get(gateway: Gateway, path: str) -> Any:
    """Return the document of a GET that must succeed."""
    async with gateway.http.get(path) as response:
        assert response.status == HTTPStatus.OK
        return await response.json()


async def last_is(gateway: Gateway, sequence: int) -> None:
    """Wait until `/last` answers a certain fix."""

    async def arrived() -> bool:
        return bool((await get(gateway, "/last")).get("id") == sequence)

    await wait_until(arrived, 10, "/last to answer the fix")


async def test_health_says_ok_and_the_time(gateway: Gateway) -> None:
    """`{"status": "ok", "now": RFC 3339}`."""
    document = await get(gateway, "/health")
    assert document.keys() == {"status", "now"}
    assert document["status"] == "ok"
    assert datetime.fromisoformat(document["now"]).tzinfo is not None


@pytest.mark.parametrize("path", LAST)
async def test_last_before_any_data_says_so(gateway: Gateway, path: str) -> None:
    """`{"message": "no data"}` with 200, as the collector had it."""
    assert await get(gateway, path) == {"message": "no data"}


async def test_last_is_the_newest_fix_with_the_upstreams_body(gateway: Gateway) -> None:
    """The payload is what the upstream sent, whole; the id is an integer."""
    body = {"id": 25_544, "latitude": 1.25, "units": "kilometers", "unknown": [1, None]}
    event = position_event(1, upstream_body=body)
    await gateway.publish([position_event(0), event])
    await last_is(gateway, event.sequence)
    document = await get(gateway, "/last")
    for path in LAST:
        assert await get(gateway, f"{path}?unknown=1") == document
    assert document.keys() == {"id", "fetched_at", "source_url", "payload"}
    assert type(document["id"]) is int
    assert document["payload"] == body
    assert document["source_url"] == event.data.source_url
    assert datetime.fromisoformat(document["fetched_at"]) == event.fetchedat


async def test_the_id_of_last_increases_with_every_fix(gateway: Gateway) -> None:
    """Clients of the earlier systems remember the largest id that they have seen."""
    ids = []
    for index in range(3):
        provenance = Provenance("wheretheiss.at", Origin.LIVE, position_event(index).time)
        event = position_event(index, provenance=provenance)
        await gateway.publish([event])
        await last_is(gateway, event.sequence)
        ids.append(event.sequence)
    assert ids == sorted(set(ids))


async def test_last_of_a_computed_position_has_the_same_form(gateway: Gateway) -> None:
    """The source says that nobody was asked; an old fix keeps its old time."""
    computed = position_event(
        provenance=Provenance("sgp4", Origin.COMPUTED, START),
        source_url="computed:sgp4",
        elements_epoch=START,
        elements_age_s=0.0,
        elements_trusted=True,
    )
    await gateway.publish([computed])
    await last_is(gateway, computed.sequence)
    document = await get(gateway, "/last")
    assert document["source_url"] == "computed:sgp4"
    assert datetime.fromisoformat(document["fetched_at"]) == START


@pytest.mark.parametrize("path", ["/iss/trend", "/api/iss/trend", "/api/v1/iss/trend?limit=240"])
async def test_trend_of_less_than_two_fixes_is_no_movement(gateway: Gateway, path: str) -> None:
    """All names are there, with nulls."""
    assert await get(gateway, path) == {
        "movement": False,
        "delta_km": 0.0,
        "dt_sec": 0.0,
        "velocity_kmh": None,
        "from_time": None,
        "to_time": None,
        "from_lat": None,
        "from_lon": None,
        "to_lat": None,
        "to_lon": None,
    }


async def test_trend_is_the_movement_between_the_last_two_fixes(gateway: Gateway) -> None:
    """`velocity_kmh` is the upstream's, which is in km/h already; `movement` is above 100 m."""
    first = position_event(0, latitude_deg=0.0, longitude_deg=179.9)
    # 100 m are 0.0009 degrees; the pair lies across the date line.
    second = position_event(5, latitude_deg=0.0, longitude_deg=-179.9, velocity_kmh=27_580.25)
    third = position_event(6, latitude_deg=0.0, longitude_deg=-179.8995)
    await gateway.publish([first, second])
    await last_is(gateway, second.sequence)

    async def two_known() -> bool:
        return bool((await get(gateway, "/iss/trend"))["to_lon"] == -179.9)

    await wait_until(two_known, 10, "both fixes")
    trend = await get(gateway, "/iss/trend?whatever=1")
    for path in ("/api/iss/trend", "/api/v1/iss/trend", "/api/v1/iss/trend?limit=240"):
        assert await get(gateway, path) == trend
    assert trend["movement"] is True
    assert 22.2 < trend["delta_km"] < 22.3
    assert trend["dt_sec"] == 5.0
    assert trend["velocity_kmh"] == 27_580.25
    assert (trend["from_lon"], trend["to_lon"]) == (179.9, -179.9)
    assert datetime.fromisoformat(trend["from_time"]) == first.time
    await gateway.publish([third])

    async def third_known() -> bool:
        return bool((await get(gateway, "/iss/trend"))["to_lon"] == -179.8995)

    await wait_until(third_known, 10, "the third fix")
    assert (await get(gateway, "/iss/trend"))["movement"] is False


async def test_fetch_asks_for_a_poll_and_answers_what_it_brought(gateway: Gateway) -> None:
    """The command travels over the broker; the answer is the position fetched after the asking."""
    redis = gateway.redis
    asking = asyncio.create_task(get(gateway, "/fetch"))

    async def command() -> Any:
        return await redis.xrange(COMMANDS_REFRESH.key)

    entries: Any = await wait_until(command, 10, "the refresh command")
    asked = RefreshCommand.model_validate_json(entries[0][1][b"__data__"])
    assert asked.source == "iss"
    fresh = position_event(
        9,
        provenance=Provenance("wheretheiss.at", Origin.LIVE, asked.requested_at.replace(year=2099)),
    )
    await gateway.publish([fresh])
    document = await asking
    assert document["id"] == fresh.sequence


async def test_many_who_fetch_at_once_send_one_command(gateway: Gateway) -> None:
    """And all of them get what it brings."""
    asking = [asyncio.create_task(get(gateway, "/fetch")) for _ in range(20)]

    async def sent() -> bool:
        return bool(await gateway.redis.xlen(COMMANDS_REFRESH.key))

    await wait_until(sent, 10, "the refresh command")
    fresh = position_event(
        provenance=Provenance("wheretheiss.at", Origin.LIVE, datetime.now(UTC) + A_MOMENT)
    )
    await gateway.publish([fresh])
    assert {document["id"] for document in await asyncio.gather(*asking)} == {fresh.sequence}
    assert await gateway.redis.xlen(COMMANDS_REFRESH.key) < 20


async def test_fetch_without_a_poller_answers_what_is_known(
    valkey_url: str, reader_database_url: str
) -> None:
    """Nobody polls: after a short wait, the old fix with its old time, not a fresh-looking one."""
    event = position_event()
    async with running_gateway(
        valkey_url, reader_database_url, refresh_wait_seconds=0.2
    ) as gateway:
        await gateway.publish([event])
        await last_is(gateway, event.sequence)
        document = await get(gateway, "/fetch")
    assert document["id"] == event.sequence
    assert datetime.fromisoformat(document["fetched_at"]).year == START.year
