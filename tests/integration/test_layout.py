"""Partitions: every process has the same, and order is kept within one."""

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from libs.common.broker import Publisher, agree_on_layout, create_broker, prepare_streams
from libs.common.errors import ConfigurationError
from libs.common.events import decode
from libs.common.layout import UNDIVIDED, Layout
from libs.common.repartition import NotYetError, repartition
from libs.common.runtime import EXIT_CONFIGURATION
from libs.common.topology import EVENTS_ISS, EVENTS_OSDR, PERSISTENCE
from tests.catalogue import apod_event
from tests.factories import position_event
from tests.gateways import running_gateway
from tests.integration.consumers import command
from tests.integration.osdr import osdr_world
from tests.integration.storing import count, storing
from tests.processes import ServiceProcess
from tests.waiting import wait_until

DIVIDED = "iss=3"
SATELLITES = 12


async def publish(client: Redis, url: str, layout: Layout) -> None:
    """Publish ten positions of each of some satellites, in the order of time."""
    events = [
        position_event(index, norad_id=satellite)
        for index in range(10)
        for satellite in range(1, 1 + SATELLITES)
    ]
    async with create_broker(url, "test") as broker:
        await Publisher(broker, client, layout).publish(events)


async def acknowledge_all(client: Redis, key: str) -> None:
    """Take all entries of a stream as a consumer does that has left since."""
    answer: Any = await client.xreadgroup(PERSISTENCE, "one", {key: ">"})
    await client.xack(key, PERSISTENCE, *(entry_id for entry_id, _ in answer[0][1]))
    await client.xgroup_delconsumer(key, PERSISTENCE, "one")


async def test_partitions_hold_each_subject_in_order(broker_client: Redis, valkey_url: str) -> None:
    """All events are there; those of one satellite are in one partition, as published."""
    layout = Layout.parse(DIVIDED)
    await prepare_streams(broker_client, layout)
    await publish(broker_client, valkey_url, layout)
    homes: dict[str, str] = {}
    times: dict[str, list[str]] = {}
    for stream in layout.partitions(EVENTS_ISS):
        entries: Any = await broker_client.xrange(stream.key)
        for _, fields in entries:
            event = decode(fields[b"__data__"])
            assert homes.setdefault(str(event.subject), stream.key) == stream.key
            times.setdefault(str(event.subject), []).append(event.time.isoformat())
    assert len(times) == SATELLITES
    assert all(len(each) == 10 and each == sorted(each) for each in times.values())
    assert len(set(homes.values())) == 3
    assert not await broker_client.exists(EVENTS_ISS.key)


async def test_the_suite_stores_and_shows_all_partitions(
    broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """Persistence empties every partition, and the gateway follows each of them."""
    layout = Layout.parse(DIVIDED)
    async with (
        storing(valkey_url, database_url, stream_partitions=DIVIDED),
        running_gateway(valkey_url, database_url, stream_partitions=DIVIDED) as gateway,
    ):
        await publish(broker_client, valkey_url, layout)

        async def stored() -> bool:
            return await count(database_url) == 10 * SATELLITES

        async def shown() -> bool:
            async with gateway.http.get("/api/v1/iss/position") as response:
                document = await response.json(content_type=None)
            return bool(document.get("time") == "2026-03-01T12:00:09Z")

        await wait_until(stored, 20, "a row of each event")
        await wait_until(shown, 10, "the newest position")


async def test_a_process_with_another_layout_refuses_to_start(
    broker_client: Redis, valkey_url: str, database_url: str, tmp_path: Path
) -> None:
    """It ends with the code of wrong settings, and says what to do."""
    await agree_on_layout(broker_client, UNDIVIDED)
    await agree_on_layout(broker_client, UNDIVIDED)
    with pytest.raises(ConfigurationError, match=r"libs\.common\.repartition"):
        await agree_on_layout(broker_client, Layout.parse(DIVIDED))
    process = ServiceProcess(
        "persistence",
        environment={
            "CASSIOPEIA_REDIS_URL": valkey_url,
            "CASSIOPEIA_DATABASE_URL": database_url,
            "CASSIOPEIA_STREAM_PARTITIONS": DIVIDED,
        },
        log=tmp_path / "persistence.log",
    )
    await process.start()
    assert await process.wait() == EXIT_CONFIGURATION
    assert "CASSIOPEIA_STREAM_PARTITIONS means" in process.last_lines()


async def test_entries_from_before_there_were_layouts_are_not_forgotten(
    broker_client: Redis, valkey_url: str
) -> None:
    """A stream that is there already is whole, whatever the first process is told."""
    await publish(broker_client, valkey_url, UNDIVIDED)
    with pytest.raises(ConfigurationError, match="iss=1"):
        await prepare_streams(broker_client, Layout.parse(DIVIDED))


async def test_the_layout_changes_when_all_is_stored(broker_client: Redis, valkey_url: str) -> None:
    """Not while somebody reads or an entry waits; then the old streams make room for the new."""
    new = Layout.parse(DIVIDED)
    await prepare_streams(broker_client, UNDIVIDED)
    await publish(broker_client, valkey_url, UNDIVIDED)
    with pytest.raises(NotYetError, match="has not stored"):
        await repartition(broker_client, new)
    answer: Any = await broker_client.xreadgroup(PERSISTENCE, "one", {EVENTS_ISS.key: ">"})
    with pytest.raises(NotYetError, match="still reads"):
        await repartition(broker_client, new)
    ids = [entry_id for entry_id, _ in answer[0][1]]
    await broker_client.xack(EVENTS_ISS.key, PERSISTENCE, *ids)
    await broker_client.xgroup_delconsumer(EVENTS_ISS.key, PERSISTENCE, "one")
    assert await repartition(broker_client, new) == ["iss"]
    assert await repartition(broker_client, new) == []
    assert not await broker_client.exists(EVENTS_ISS.key)
    await prepare_streams(broker_client, new)
    with pytest.raises(ConfigurationError):
        await agree_on_layout(broker_client, UNDIVIDED)


async def test_the_layout_stays_while_a_source_is_polled(
    broker_client: Redis, valkey_url: str
) -> None:
    """A service that rests between two polls publishes, too: it must have ended."""
    new = Layout.parse("osdr=2")
    async with osdr_world(valkey_url, 2) as world:
        async with world.service():
            await world.wait_for_crawl()
            await acknowledge_all(broker_client, EVENTS_OSDR.key)
            with pytest.raises(NotYetError, match="publishes what osdr gives"):
                await repartition(broker_client, new)
            assert len(await world.published()) == 2
        assert await repartition(broker_client, new) == ["osdr"]


async def test_who_knows_the_old_layout_publishes_nothing(
    broker_client: Redis, valkey_url: str
) -> None:
    """A publisher that nobody stopped is told so; no event goes where nobody reads."""
    await prepare_streams(broker_client, UNDIVIDED)
    new = Layout.parse(DIVIDED)
    async with create_broker(valkey_url, "test") as broker:
        publisher = Publisher(broker, broker_client)
        await publisher.publish([position_event()])
        await acknowledge_all(broker_client, EVENTS_ISS.key)
        assert await repartition(broker_client, new) == ["iss"]
        with pytest.raises(ConfigurationError, match="iss=3"):
            await publisher.publish([position_event(1)])
        # What has not moved goes on.
        await publisher.publish([apod_event(1)])
        assert not await broker_client.exists(EVENTS_ISS.key)


@pytest.mark.parametrize("step", ["del", "hset"])
async def test_a_change_that_was_broken_off_is_done_again(broker_client: Redis, step: str) -> None:
    """Whichever step was not reached, the next try makes it, and no old stream is left."""
    new = Layout.parse(DIVIDED)
    await prepare_streams(broker_client, UNDIVIDED)
    await command(broker_client, "ACL", "SETUSER", "default", f"-{step}")
    try:
        with pytest.raises(NoPermissionError):
            await repartition(broker_client, new)
    finally:
        await command(broker_client, "ACL", "SETUSER", "default", "+@all")
    assert await repartition(broker_client, new) == ["iss"]
    assert not await broker_client.exists(EVENTS_ISS.key)
