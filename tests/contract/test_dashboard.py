"""`/api/v1/dashboard`, and the memory that it comes from."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from libs.common.clock import iso
from libs.common.polling.sources import SourceRegistry
from libs.common.topology import EVENT_STREAMS
from tests.catalogue import (
    apod_event,
    cme_event,
    dataset_event,
    fetched,
    flare_event,
    image_event,
    launch_event,
    neo_event,
    sky_event,
)
from tests.clocks import MovingClock
from tests.contract.clients import get, store
from tests.contract.test_sources import status
from tests.factories import START, elements_event, position_event, position_events
from tests.gateways import Gateway, running_gateway
from tests.waiting import wait_until

PATH = "/api/v1/dashboard"
EVENTS = [
    *position_events(3),
    elements_event(),
    image_event(1),
    image_event(2),
    sky_event(-1, title="Passed"),
    sky_event(3, title="Next"),
    sky_event(4, title="After that"),
    apod_event(0),
    neo_event(0),
    neo_event(1, miss_distance_km=5.0),
    flare_event(1),
    flare_event(2, class_type="M2.0"),
    cme_event(1),
    launch_event(1, START + timedelta(days=1)),
    launch_event(2, START + timedelta(days=2)),
]


async def test_before_any_data_all_names_are_there(gateway: Gateway) -> None:
    """The shape of the Go server, with nulls and empty lists; nothing is invented."""
    document = await get(gateway, PATH, unknown="1")
    assert document.keys() == {"success", "data", "timestamp"}
    assert document["success"] is True
    assert datetime.fromisoformat(document["timestamp"]).tzinfo is not None
    data = document["data"]
    assert data["iss"] is None
    assert data["telemetry"] is None
    assert data["osdr"] == {"count": 0, "items": []}
    assert data["jwst"] == {"source": "all/type/jpg", "count": 0, "items": []}
    assert data["astro"]["events"] == []
    assert data["sources"] == []
    space = data["space"]
    assert space["neo"] == {"count": 0, "hazardous": 0, "closest": None}
    assert [space[name] for name in ("apod", "flares", "cmes", "launches")] == [None, [], [], []]


async def assert_is_whole(gateway: Gateway) -> None:
    """The dashboard has all of `EVENTS`."""

    async def complete() -> Any:
        data = (await get(gateway, PATH))["data"]
        return data if len(data["space"]["launches"]) == 2 and data["iss"] else None

    data = await wait_until(complete, 10, "the dashboard")
    newest = position_event(2)
    assert data["iss"]["id"] == newest.sequence
    assert data["iss"]["payload"] == newest.data.upstream_body
    assert data["iss"]["position"]["time"] == iso(newest.time)
    assert data["iss"]["trend"]["dt_sec"] == 1.0
    assert [item["time"] for item in data["jwst"]["items"]] == [
        iso(image_event(index).time) for index in (2, 1)
    ]
    assert data["jwst"]["items"][0]["thumbnail"].endswith("_i2d/thumbnail")
    assert [event["name"] for event in data["astro"]["events"]] == ["Next", "After that"]
    space = data["space"]
    assert space["apod"]["title"] == "Picture of 2026-03-01"
    assert (space["neo"]["count"], space["neo"]["hazardous"]) == (2, 1)
    assert space["neo"]["closest"]["name"] == "(1 XY)"
    assert [flare["class_type"] for flare in space["flares"]] == ["M2.0", "C1.0"]
    assert len(space["cmes"]) == 1
    assert [launch["launch_id"] for launch in space["launches"]] == ["launch-001", "launch-002"]


async def test_it_is_fed_by_the_streams(valkey_url: str, reader_database_url: str) -> None:
    """Live, and by a gateway that is started later."""
    clock = MovingClock(START + timedelta(hours=3))
    async with running_gateway(valkey_url, reader_database_url, clock=clock) as gateway:
        await gateway.publish(EVENTS)
        await assert_is_whole(gateway)
    async with running_gateway(valkey_url, reader_database_url, clock=clock) as gateway:
        await assert_is_whole(gateway)


async def test_it_is_filled_from_the_database_where_streams_are_trimmed(
    valkey_url: str, database_url: str, reader_database_url: str
) -> None:
    """And what a stream has newer than that takes its place."""
    await store(database_url, EVENTS)
    clock = MovingClock(START + timedelta(hours=3))
    async with running_gateway(valkey_url, reader_database_url, clock=clock) as gateway:
        assert not await gateway.redis.exists(*(stream.key for stream in EVENT_STREAMS))
        await assert_is_whole(gateway)
        slipped = launch_event(2, START + timedelta(hours=9)).data
        revised = type(launch_event(2, START)).of_launch(
            slipped, provenance=fetched("launchlibrary", 60)
        )
        await gateway.publish([revised])
    async with running_gateway(valkey_url, reader_database_url, clock=clock) as gateway:
        launches = (await get(gateway, PATH))["data"]["space"]["launches"]
        assert [launch["launch_id"] for launch in launches] == ["launch-002", "launch-001"]


async def test_it_is_made_once_a_second_and_compressed(
    valkey_url: str, reader_database_url: str
) -> None:
    """Whoever has it gets 304 within the second, and another answer after it."""
    clock = MovingClock(START + timedelta(hours=3))
    async with running_gateway(valkey_url, reader_database_url, clock=clock) as gateway:
        await gateway.publish(EVENTS)
        await assert_is_whole(gateway)
        async with gateway.http.get(PATH, headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert "Accept-Encoding" in response.headers["Vary"]
            known = {"If-None-Match": response.headers["ETag"]}
        async with gateway.http.get(PATH, headers=known) as response:
            assert response.status == HTTPStatus.NOT_MODIFIED
        clock.move(1)
        async with gateway.http.get(PATH, headers=known) as response:
            assert response.status == HTTPStatus.OK


async def test_time_alone_moves_what_is_next(valkey_url: str, reader_database_url: str) -> None:
    """No event is needed for a launch to have flown or an event to have passed."""
    clock = MovingClock(START + timedelta(hours=3))
    async with running_gateway(valkey_url, reader_database_url, clock=clock) as gateway:
        await gateway.publish(EVENTS)
        await assert_is_whole(gateway)
        clock.move(86_400)
        space = (await get(gateway, PATH))["data"]["space"]
        assert [launch["launch_id"] for launch in space["launches"]] == ["launch-002"]
        clock.move(3 * 86_400)
        astro = (await get(gateway, PATH))["data"]["astro"]
        assert [event["name"] for event in astro["events"]] == []


async def test_the_datasets_are_those_of_the_database_also_while_it_is_away(
    valkey_url: str, database_url: str, reader_database_url: str, servers: Any
) -> None:
    """The count follows an event of the stream; it is kept when the database is gone."""
    await store(database_url, [dataset_event(index) for index in range(1, 8)])
    async with running_gateway(valkey_url, reader_database_url) as gateway:
        osdr = (await get(gateway, PATH))["data"]["osdr"]
        assert osdr["count"] == 7
        assert [item["id"] for item in osdr["items"]] == [7, 6, 5, 4, 3]
        await store(database_url, [dataset_event(8)])
        await gateway.publish([dataset_event(8)])

        async def counts(wanted: int) -> bool:
            return bool((await get(gateway, PATH))["data"]["osdr"]["count"] == wanted)

        await wait_until(lambda: counts(8), 10, "the new dataset to be counted")
        servers.postgres.stop()
        try:
            assert await counts(8)
        finally:
            servers.postgres.start()


async def test_sources_are_shown_also_while_the_broker_is_away(
    gateway: Gateway, servers: Any
) -> None:
    """As it had them last, with everything else, and marked: nothing newer comes."""
    await SourceRegistry(gateway.redis).save(status())
    await gateway.publish([position_event()])

    async def complete() -> bool:
        data = (await get(gateway, PATH))["data"]
        return bool(data["iss"] and data["sources"])

    await wait_until(complete, 10, "position and source")
    servers.valkey.stop()
    try:

        async def is_stale() -> bool:
            async with gateway.http.get(PATH) as response:
                assert (await response.json())["data"]["sources"]
                return "stale" in response.headers.get("Cache-Status", "")

        await wait_until(is_stale, 10, "a stale answer")
        assert await complete()
    finally:
        servers.valkey.start()
