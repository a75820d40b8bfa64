"""Publishing: in order, in the form that everybody can read, and never silently in vain."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from faststream.redis import RedisBroker
from redis.asyncio import Redis

from libs.common import metrics
from libs.common.broker import (
    PIPELINE_LENGTH,
    Publisher,
    agree_on_layout,
    connect,
    create_broker,
    ensure_groups,
)
from libs.common.errors import ConfigurationError, DependencyUnavailableError
from libs.common.events import decode
from libs.common.layout import Layout
from libs.common.topology import ALL_STREAMS, COMMANDS_REFRESH, EVENTS_ISS, PERSISTENCE
from tests.factories import elements_event, position_event, position_events
from tests.integration.consumers import Handler, consuming, letters
from tests.waiting import wait_until


async def bodies(client: Redis, stream: str = EVENTS_ISS.key) -> list[bytes]:
    """Return what a client that knows nothing of us reads."""
    entries: Any = await client.xrange(stream)
    return [fields[b"__data__"] for _, fields in entries]


def published() -> float:
    """Return how many entries the metric says were accepted."""
    found = metrics.REGISTRY.get_sample_value(
        "cassiopeia_events_published_total", {"stream": EVENTS_ISS.key}
    )
    return found or 0.0


async def test_order_is_kept_over_several_round_trips(
    publisher: Publisher, broker_client: Redis
) -> None:
    """More events than one pipeline holds arrive whole, in the order given, and are counted."""
    events = position_events(2 * PIPELINE_LENGTH + 3)
    before = published()
    await publisher.publish(events)
    assert await bodies(broker_client) == [event.encode() for event in events]
    assert published() - before == len(events)


async def test_different_events_go_to_their_stream(
    publisher: Publisher, broker_client: Redis
) -> None:
    """Positions and elements share a stream, and keep the order in which they were given."""
    events = [position_event(0), elements_event(), position_event(1)]
    await publisher.publish(events)
    assert [decode(body) for body in await bodies(broker_client)] == events


async def test_a_bare_client_reads_json(publisher: Publisher, broker_client: Redis) -> None:
    """An entry is the event's JSON and nothing else, for whoever looks with a Redis client."""
    await publisher.publish([position_event()])
    (body,) = await bodies(broker_client)
    assert json.loads(body)["data"]["latitude_deg"] == -51.5


async def test_a_bounded_stream_stays_bounded(publisher: Publisher, broker_client: Redis) -> None:
    """What nobody acknowledges is bounded by the number of entries."""
    assert COMMANDS_REFRESH.max_entries == 1_000
    await publisher.publish_bodies(COMMANDS_REFRESH, [b"{}"] * 3_000)
    assert 1_000 <= await broker_client.xlen(COMMANDS_REFRESH.key) < 1_200


async def test_nothing_to_publish_is_nothing(publisher: Publisher, broker_client: Redis) -> None:
    """No events make no entry and no error."""
    await publisher.publish([])
    assert await bodies(broker_client) == []


async def test_a_full_broker_is_no_silent_loss(publisher: Publisher, broker_client: Redis) -> None:
    """Entries that the broker refuses make an error, which says how many and why."""
    await broker_client.config_set("maxmemory", "1")
    try:
        with pytest.raises(DependencyUnavailableError, match=r"accept 3 entries .*memory"):
            await publisher.publish(position_events(3))
    finally:
        await broker_client.config_set("maxmemory", "1gb")
    await publisher.publish(position_events(3))
    assert len(await bodies(broker_client)) == 3


async def test_a_broker_that_is_away_is_no_silent_loss(valkey_url: str) -> None:
    """Publishing to a broker that does not answer ends in an error after a few tries."""
    async with (
        connect("redis://127.0.0.1:9/0", "test") as nobody,
        create_broker(valkey_url, "test") as broker,
    ):
        with pytest.raises(DependencyUnavailableError, match="did not accept 1 entries"):
            await Publisher(broker, nobody).publish([position_event()])


async def test_every_group_is_created_at_the_beginning(broker_client: Redis) -> None:
    """Every group of the table exists afterwards, and has everything before it."""
    await broker_client.xadd(EVENTS_ISS.key, {"__data__": b"{}"})
    await ensure_groups(broker_client)
    for stream in ALL_STREAMS:
        found: Any = await broker_client.xinfo_groups(stream.key) if stream.groups else []
        assert [group["name"].decode() for group in found] == list(stream.groups)
        assert all(group["last-delivered-id"] == b"0-0" for group in found)


async def test_creating_groups_again_changes_nothing(
    publisher: Publisher, broker_client: Redis
) -> None:
    """A restart does not move a group back: what was acknowledged stays acknowledged."""
    await publisher.publish(position_events(3))
    read: Any = await broker_client.xreadgroup(PERSISTENCE, "c", {EVENTS_ISS.key: ">"}, count=2)
    assert read
    before = await broker_client.xinfo_groups(EVENTS_ISS.key)
    await ensure_groups(broker_client)
    assert await broker_client.xinfo_groups(EVENTS_ISS.key) == before


async def test_what_was_published_before_any_consumer_is_consumed(
    broker_client: Redis, valkey_url: str
) -> None:
    """Events that came before group and consumer existed are given to the first consumer."""
    events = position_events(3)
    async with create_broker(valkey_url, "test") as broker:
        await Publisher(broker, broker_client).publish(events)
    await broker_client.xgroup_destroy(EVENTS_ISS.key, PERSISTENCE)
    await ensure_groups(broker_client)
    handler = Handler()
    async with consuming(valkey_url, handler):
        await wait_until(lambda: len(handler.taken) == 3, 5, "the events")
    assert handler.bodies == [event.encode() for event in events]


async def test_what_is_accepted_after_a_flush_has_its_group(
    publisher: Publisher, broker_client: Redis
) -> None:
    """After somebody removed everything, the stream comes back as it was made at the start."""
    await publisher.publish([position_event()])
    await broker_client.flushall()
    await publisher.publish(position_events(3))
    (group,) = await broker_client.xinfo_groups(EVENTS_ISS.key)
    assert (group["name"], group["last-delivered-id"]) == (PERSISTENCE.encode(), b"0-0")
    assert len(await bodies(broker_client)) == 3
    with pytest.raises(ConfigurationError):
        await agree_on_layout(broker_client, Layout.parse("iss=2"))


async def test_a_stream_that_is_no_part_of_the_layout_is_refused(
    publisher: Publisher, broker_client: Redis
) -> None:
    """Nothing is published where no group would read it."""
    stray = replace(EVENTS_ISS, key="cassiopeia:events:iss:7")
    with pytest.raises(DependencyUnavailableError, match="no such stream"):
        await publisher.publish_bodies(stray, [position_event().encode()])
    assert not await broker_client.exists(stray.key)


@pytest_asyncio.fixture
async def library(valkey_url: str) -> AsyncIterator[RedisBroker]:
    """FastStream as it is without our format."""
    async with RedisBroker(valkey_url) as broker:
        yield broker


@pytest.mark.parametrize("headers", [None, {"x-key": "value"}], ids=["plain", "headers"])
async def test_the_librarys_own_entries_are_understood(
    publisher: Publisher, library: RedisBroker, valkey_url: str, headers: dict[str, Any] | None
) -> None:
    """An entry in FastStream's binary form, with headers or without, is read as its body."""
    body = position_event().encode()
    await library.publish(body, stream=EVENTS_ISS.key, headers=headers)
    await publisher.publish([position_event(1)])
    handler = Handler()
    async with consuming(valkey_url, handler):
        await wait_until(lambda: len(handler.taken) == 2, 5, "both entries")
    assert handler.bodies == [body, position_event(1).encode()]


async def test_our_entries_with_headers_are_understood(
    publisher: Publisher, valkey_url: str
) -> None:
    """Where headers carry meaning, our broker writes the binary form, and reads it again."""
    body = position_event().encode()
    async with create_broker(valkey_url, "test") as broker:
        await broker.publish(body, stream=EVENTS_ISS.key, headers={"reply": "here"})
    await publisher.publish([position_event(1)])
    handler = Handler()
    async with consuming(valkey_url, handler):
        await wait_until(lambda: len(handler.taken) == 2, 5, "both entries")
    assert handler.bodies[0] == body


async def test_an_entry_made_by_hand_becomes_a_readable_letter(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """An entry without our field shows its fields to whoever reads the dead letter."""
    await broker_client.xadd(EVENTS_ISS.key, {"latitude": "51.5", b"\xff": b"\xfe"})
    await publisher.publish([position_event()])
    handler = Handler(rejects=lambda entry: b'"latitude"' in entry.body)
    async with consuming(valkey_url, handler):
        await wait_until(lambda: len(handler.taken) == 1, 5, "the neighbour")
    (letter,) = await letters(broker_client)
    assert json.loads(letter["body"]) == {"latitude": "51.5", "\ufffd": "\ufffd"}
