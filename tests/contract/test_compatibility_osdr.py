"""The open science datasets of the earlier systems: `/osdr/list`, `/osdr/sync`."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from libs.common.broker import Publisher, create_broker
from libs.common.layout import Layout
from libs.common.polling.refreshing import RefreshCommand
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceRegistry
from libs.common.topology import COMMANDS_REFRESH
from tests.catalogue import dataset_event
from tests.contract.clients import get, store
from tests.contract.test_sources import status
from tests.factories import position_events
from tests.gateways import Gateway, running_gateway
from tests.waiting import wait_until

LISTS = ("/osdr/list", "/api/v1/osdr/list")
NAMES = {"id", "dataset_id", "title", "status", "updated_at", "inserted_at", "raw"}

PAGES = {
    "": 20,
    "limit=7": 7,
    "limit=100": 100,
    # As far as the range goes, and what makes no sense is the default.
    "limit=0": 1,
    "limit=-5": 1,
    "limit=101": 100,
    "limit=99999999999999999999999": 100,
    f"limit={'9' * 400}": 100,
    f"limit=-{'9' * 400}": 1,
    f"limit={'9' * 5_000}": 100,
    "limit=many": 20,
    "limit=": 20,
    "page=2&limit=100": 5,
    "page=3&limit=100": 0,
    "page=0&limit=3": 3,
    "page=none&limit=3": 3,
    "page=99999999999999999999999": 0,
    "unknown=1&limit=3": 3,
}


@pytest.fixture
async def lists(
    valkey_url: str, database_url: str, reader_database_url: str
) -> AsyncIterator[Gateway]:
    """A gateway beside 105 datasets."""
    await store(database_url, [dataset_event(index) for index in range(1, 106)])
    async with running_gateway(valkey_url, reader_database_url) as running:
        yield running


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_before_any_data_is_empty(gateway: Gateway, path: str) -> None:
    """`{"items": []}`."""
    assert await get(gateway, path) == {"items": []}


@pytest.mark.parametrize("path", LISTS)
async def test_names_types_and_nulls_of_a_dataset(
    gateway: Gateway, database_url: str, path: str
) -> None:
    """`id` is an integer, `raw` the body as received; there is no status."""
    await store(database_url, [dataset_event(137)])
    [item] = (await get(gateway, path))["items"]
    assert item.keys() == NAMES
    assert (item["id"], item["dataset_id"]) == (137, "OSD-137")
    assert type(item["id"]) is int
    assert item["title"] == "Study number 137"
    assert item["status"] is None
    assert item["raw"] == {"Study Identifier": "OSD-137"}
    for name in ("updated_at", "inserted_at"):
        assert datetime.fromisoformat(item[name]).tzinfo is not None


async def test_pages_and_limits(lists: Gateway) -> None:
    """20 by default, 1 to 100; nothing that a client sends is an error."""
    for query, count in PAGES.items():
        for path in LISTS:
            assert len((await get(lists, f"{path}?{query}"))["items"]) == count, query


async def test_the_newest_come_first_and_pages_join(lists: Gateway) -> None:
    """Every dataset once, in one order."""
    pages = [await get(lists, f"/api/v1/osdr/list?limit=50&page={page}") for page in (1, 2, 3)]
    numbers = [item["id"] for page in pages for item in page["items"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 105


async def test_the_default_is_a_setting_of_the_earlier_systems(
    valkey_url: str,
    database_url: str,
    reader_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`OSDR_LIST_LIMIT`."""
    monkeypatch.setenv("OSDR_LIST_LIMIT", "3")
    await store(database_url, [dataset_event(index) for index in range(1, 6)])
    async with running_gateway(valkey_url, reader_database_url) as gateway:
        assert len((await get(gateway, "/osdr/list"))["items"]) == 3


async def test_sync_counts_what_came_within_the_wait(gateway: Gateway) -> None:
    """A part of a crawl is not its end; what it brings before that counts."""
    asking = asyncio.create_task(get(gateway, "/osdr/sync"))
    command = await refresh_command(gateway)
    assert command.source == "osdr"
    registry, now = SourceRegistry(gateway.redis), datetime.now(UTC)
    earlier = now - timedelta(hours=1)
    await gateway.publish([dataset_event(1), dataset_event(2)])
    await registry.save(status(name="osdr", last_attempt=now, last_success=earlier))
    await gateway.publish([dataset_event(3)])
    await registry.save(status(name="osdr", last_attempt=now, last_success=now))
    assert await asking == {"written": 3}


async def test_sync_waits_for_the_partitions_of_its_own_stream(
    valkey_url: str, reader_database_url: str
) -> None:
    """Not for another stream that stands in its place where all are whole."""
    layout = Layout.parse("iss=2,osdr=2")
    events = [dataset_event(number) for number in range(1, 6)]
    async with (
        running_gateway(
            valkey_url, reader_database_url, stream_partitions=str(layout), refresh_wait_seconds=20
        ) as gateway,
        create_broker(valkey_url, "test") as broker,
        asyncio.timeout(10),
    ):
        asking = asyncio.create_task(get(gateway, "/osdr/sync"))
        await refresh_command(gateway)
        publisher = Publisher(broker, gateway.redis, layout)
        await publisher.publish([*events, *position_events(5)])
        await SourceRegistry(gateway.redis).save(status(name="osdr"))
        assert await asking == {"written": len(events)}


async def test_sync_of_a_source_that_fails_has_written_nothing(gateway: Gateway) -> None:
    """And says so as soon as that is known."""
    asking = asyncio.create_task(get(gateway, "/osdr/sync"))
    await refresh_command(gateway)
    failed = status(name="osdr", state=SourceState.FAILING, reason="no route", last_success=None)
    await SourceRegistry(gateway.redis).save(failed)
    assert await asking == {"written": 0}


async def refresh_command(gateway: Gateway) -> RefreshCommand:
    """Wait for a refresh command, and return it."""

    async def commands() -> Any:
        return await gateway.redis.xrange(COMMANDS_REFRESH.key)

    [(_, fields)] = await wait_until(commands, 10, "the refresh command")
    return RefreshCommand.model_validate_json(fields[b"__data__"])
