"""The space documents of the earlier systems: `/space/...`."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from libs.common.clock import iso
from libs.common.polling.refreshing import RefreshCommand
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceRegistry
from libs.common.topology import COMMANDS_REFRESH
from tests.catalogue import (
    apod_event,
    cme_event,
    dataset_event,
    fetched,
    flare_event,
    launch_event,
    neo_event,
)
from tests.clocks import MovingClock
from tests.contract.clients import get, store
from tests.contract.test_sources import status
from tests.factories import START, position_event
from tests.gateways import Gateway, running_gateway
from tests.integration.storing import query
from tests.waiting import wait_until

SOURCES = ("apod", "neo", "flr", "cme", "spacex")
EVENTS = [
    apod_event(0),
    apod_event(1),
    neo_event(0),
    neo_event(1),
    neo_event(10),
    flare_event(1),
    flare_event(2),
    cme_event(3),
    launch_event(1, START + timedelta(days=9), provider_name="Rocket Lab"),
    launch_event(2, START + timedelta(days=10)),
]
FIRST_DAY, SECOND_DAY = "2026-03-01", "2026-03-02"
PAYLOADS: dict[str, Any] = {
    "apod": {"date": SECOND_DAY},
    "neo": {
        "element_count": 3,
        "near_earth_objects": {
            FIRST_DAY: [{"id": "2000000"}, {"id": "2000001"}],
            SECOND_DAY: [{"id": "2000010"}],
        },
    },
    "flr": [{"flrID": 1}, {"flrID": 2}],
    "cme": [{"activityID": 3}],
    "spacex": {"id": "launch-002"},
}


@pytest.fixture
def clock() -> MovingClock:
    """A day and a half after the first event."""
    return MovingClock(START + timedelta(days=1, hours=6))


@pytest.fixture
async def space(
    valkey_url: str, reader_database_url: str, clock: MovingClock
) -> AsyncIterator[Gateway]:
    """A gateway at that time."""
    async with running_gateway(valkey_url, reader_database_url, clock=clock) as running:
        yield running


async def known(gateway: Gateway) -> None:
    """Wait until the last of the events has come."""

    async def arrived() -> bool:
        return "payload" in await get(gateway, "/space/spacex/latest")

    await wait_until(arrived, 10, "the launch")


@pytest.mark.parametrize("source", [*SOURCES, "mars"])
async def test_a_source_before_any_data_says_so(space: Gateway, source: str) -> None:
    """With 200, also for a source that never was."""
    document = await get(space, f"/space/{source}/latest")
    assert document == {"source": source, "message": "no data"}


async def test_every_source_has_what_its_upstream_sent(space: Gateway) -> None:
    """The bodies put together as the feeds were; times are those of the newest fetch."""
    await space.publish(EVENTS)
    await known(space)
    for source in SOURCES:
        document = await get(space, f"/space/{source}/latest?unknown=1")
        assert document.keys() == {"source", "fetched_at", "payload"}
        assert document["source"] == source
        assert document["payload"] == PAYLOADS[source]
    fetched_at = iso(fetched("launchlibrary", 2).fetched_at)
    assert (await get(space, "/space/spacex/latest"))["fetched_at"] == fetched_at


async def test_the_same_stands_in_the_table_that_sql_clients_read(
    valkey_url: str, database_url: str, reader_database_url: str
) -> None:
    """From the database alone, and with the ids and payloads of `space_cache`."""
    now = datetime.now(UTC)
    today = now.date()
    events = [
        neo_event(1, approach_date=today, approach_time=now),
        neo_event(2, approach_date=today - timedelta(days=1), approach_time=None),
        neo_event(3, approach_date=today - timedelta(days=3), approach_time=None),
        neo_event(4, approach_date=today + timedelta(days=1), approach_time=None),
        flare_event(1, begin_time=now - timedelta(days=4)),
        flare_event(2, flare_id="old", begin_time=now - timedelta(days=7)),
        cme_event(1, start_time=now - timedelta(hours=1)),
        apod_event(3),
        launch_event(1, now + timedelta(days=3)),
        launch_event(2, now + timedelta(days=2)),
        launch_event(3, now + timedelta(days=1), provider_name="ESA"),
    ]
    await store(database_url, events)
    rows = await query(database_url, "SELECT source, fetched_at, payload FROM space_cache")
    assert {source for source, _, _ in rows} == set(SOURCES)
    async with running_gateway(valkey_url, reader_database_url) as gateway:
        for source, fetched_at, payload in rows:
            document = await get(gateway, f"/space/{source}/latest")
            assert document["payload"] == payload
            assert datetime.fromisoformat(document["fetched_at"]) == fetched_at


async def test_documents_leave_their_windows_without_any_event(
    space: Gateway, clock: MovingClock
) -> None:
    """Asteroids after two days, flares after five, a launch when it has flown."""
    await space.publish(EVENTS)
    await known(space)
    async with space.http.get("/space/neo/latest") as response:
        seen = {"If-Modified-Since": response.headers["Last-Modified"]}
    clock.move(2 * 86_400)
    # Another document without any newer asteroid: whoever has the old one gets it.
    async with space.http.get("/space/neo/latest", headers=seen) as response:
        assert response.status == HTTPStatus.OK
        neo = (await response.json())["payload"]
    assert list(neo["near_earth_objects"]) == [SECOND_DAY]
    assert len((await get(space, "/space/flr/latest"))["payload"]) == 2
    clock.move(7 * 86_400)
    for source in ("neo", "flr", "cme", "spacex"):
        document = await get(space, f"/space/{source}/latest")
        assert document == {"source": source, "message": "no data"}
    assert (await get(space, "/space/apod/latest"))["payload"] == PAYLOADS["apod"]


async def test_a_revised_record_takes_the_place_of_the_former(space: Gateway) -> None:
    """Flares are revised for days."""
    await space.publish(EVENTS)
    await known(space)
    revised = type(flare_event(2)).of_flare(
        flare_event(2, class_type="X2.0").data.model_copy(
            update={"upstream_body": {"flrID": 2, "classType": "X2.0"}}
        ),
        provenance=fetched("nasa", 60),
    )
    await space.publish([revised])

    async def is_revised() -> bool:
        payload = (await get(space, "/space/flr/latest"))["payload"]
        return bool(payload == [{"flrID": 1}, {"flrID": 2, "classType": "X2.0"}])

    await wait_until(is_revised, 10, "the revision")


async def test_the_summary_before_any_data_has_empty_objects(space: Gateway) -> None:
    """`{}` where nothing is stored, and the count is a number all the same."""
    assert await get(space, "/space/summary") == {
        **{source: {} for source in (*SOURCES, "iss")},
        "osdr_count": 0,
    }


async def test_the_summary_has_every_source_and_the_count(
    valkey_url: str, database_url: str, reader_database_url: str, clock: MovingClock
) -> None:
    """`at` is the fetch's time; the count is that of the database."""
    await store(database_url, [dataset_event(index) for index in range(1, 8)])
    async with running_gateway(valkey_url, reader_database_url, clock=clock) as gateway:
        await gateway.publish([*EVENTS, position_event(1)])
        await known(gateway)

        async def with_station() -> Any:
            summary = await get(gateway, "/space/summary?unknown=1")
            return summary if summary["iss"] else None

        summary = await wait_until(with_station, 10, "the station")
    for source in SOURCES:
        assert summary[source].keys() == {"at", "payload"}
        assert summary[source]["payload"] == PAYLOADS[source]
    assert summary["iss"] == {
        "at": iso(position_event(1).fetchedat),
        "payload": position_event(1).data.upstream_body,
    }
    assert summary["osdr_count"] == 7


async def test_refresh_asks_the_sources_behind_the_names(
    valkey_url: str, reader_database_url: str
) -> None:
    """Unknown names are ignored; `polled` says which of them came to their poll in time."""
    async with running_gateway(
        valkey_url, reader_database_url, refresh_wait_seconds=1.5
    ) as gateway:
        await three_of_five(gateway)


async def three_of_five(gateway: Gateway) -> None:
    """Ask for three sources, two of which are polled, one of them in vain."""
    asking = asyncio.create_task(get(gateway, "/space/refresh?src=apod,mars,%20FLR,spacex,apod"))

    async def three() -> Any:
        entries: Any = await gateway.redis.xrange(COMMANDS_REFRESH.key)
        return entries if len(entries) >= 3 else None

    entries: Any = await wait_until(three, 10, "the refresh commands")
    commands = [RefreshCommand.model_validate_json(each[b"__data__"]) for _, each in entries]
    assert sorted(command.source for command in commands) == ["apod", "flares", "launches"]
    registry = SourceRegistry(gateway.redis)
    await registry.save(status(name="apod"))
    await registry.save(status(name="launches", state=SourceState.BLOCKED, last_success=None))
    document = await asking
    assert document["refreshed"] == ["apod", "flr", "spacex"]
    assert document["polled"] == ["apod"]


@pytest.mark.parametrize(
    ("query", "names"), [("", list(SOURCES)), ("?src=", []), ("?src=mars,,", [])]
)
async def test_refresh_of_all_and_of_nothing(
    valkey_url: str, reader_database_url: str, query: str, names: list[str]
) -> None:
    """All sources are asked where the client names none; nobody polls here, so none is polled."""
    async with running_gateway(
        valkey_url, reader_database_url, refresh_wait_seconds=0.2
    ) as gateway:
        document = await get(gateway, f"/space/refresh{query}")
        assert document == {"refreshed": names, "polled": []}
        assert await gateway.redis.xlen(COMMANDS_REFRESH.key) == len(names)
