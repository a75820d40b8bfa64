"""Upkeep: idle consumers go, much is trimmed, length and memory are watched."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import structlog
from redis.asyncio import Redis

from libs.common import metrics
from libs.common.broker import Publisher
from libs.common.broker import memory as memory_module
from libs.common.broker.idle_consumers import remove_idle_consumers
from libs.common.broker.memory import MemoryAlarm, broker_memory, watch_memory_forever
from libs.common.broker.upkeep import keep_in_shape
from libs.common.tasks import end_tasks
from libs.common.topology import EVENTS_ISS, PERSISTENCE, Stream
from tests.factories import START, position_events
from tests.integration.consumers import entry_ids, leave_pending
from tests.waiting import wait_until

AT_ONCE = timedelta(0)


async def names(client: Redis) -> set[str]:
    """Return the consumers of the group."""
    found: Any = await client.xinfo_consumers(EVENTS_ISS.key, PERSISTENCE)
    return {consumer["name"].decode() for consumer in found}


async def test_a_consumer_that_left_is_removed(publisher: Publisher, broker_client: Redis) -> None:
    """One that holds nothing and has not asked for long goes; one that holds something never."""
    await publisher.publish(position_events(10))
    await leave_pending(broker_client, "gone", count=5)
    await broker_client.xack(EVENTS_ISS.key, PERSISTENCE, *(await entry_ids(broker_client))[:5])
    await leave_pending(broker_client, "holding", count=5)
    assert await remove_idle_consumers(broker_client, EVENTS_ISS.key, PERSISTENCE) == []
    removed = await remove_idle_consumers(broker_client, EVENTS_ISS.key, PERSISTENCE, AT_ONCE)
    assert removed == ["gone"]
    assert await names(broker_client) == {"holding"}
    summary: Any = await broker_client.xpending(EVENTS_ISS.key, PERSISTENCE)
    assert summary["pending"] == 5


async def test_a_consumer_that_comes_back_reads_on(
    publisher: Publisher, broker_client: Redis
) -> None:
    """Being removed costs it nothing: its name is made anew, and it is given what is next."""
    await publisher.publish(position_events(1))
    await leave_pending(broker_client, "back")
    await broker_client.xack(EVENTS_ISS.key, PERSISTENCE, *await entry_ids(broker_client))
    assert await remove_idle_consumers(broker_client, EVENTS_ISS.key, PERSISTENCE, AT_ONCE) == [
        "back"
    ]
    await publisher.publish(position_events(1, start=1))
    await leave_pending(broker_client, "back")
    assert await names(broker_client) == {"back"}


async def test_more_is_trimmed_than_one_command_removes(broker_client: Redis) -> None:
    """The broker removes 10,000 entries a command: a stream that gets more a minute shrinks too."""
    stream = Stream("test:long", retention=timedelta(hours=1))
    pipeline = broker_client.pipeline(transaction=False)
    moment = int(START.timestamp() * 1_000)
    for index in range(25_000):
        pipeline.xadd(stream.key, {"n": "1"}, id=f"{moment}-{index + 1}")
    await pipeline.execute()
    await keep_in_shape(broker_client, stream)
    assert await broker_client.xlen(stream.key) == 0
    labels = {"stream": stream.key}
    assert metrics.REGISTRY.get_sample_value("cassiopeia_stream_length_entries", labels) == 0


async def test_the_length_of_a_stream_is_known(publisher: Publisher, broker_client: Redis) -> None:
    """What is young or not acknowledged counts."""
    await publisher.publish(position_events(7))
    await keep_in_shape(broker_client, EVENTS_ISS)
    labels = {"stream": EVENTS_ISS.key}
    assert metrics.REGISTRY.get_sample_value("cassiopeia_stream_length_entries", labels) == 7


async def test_the_broker_says_how_full_it_is(broker_client: Redis) -> None:
    """By its own limit, by the one that was configured, or else by the memory of its machine."""
    own: Any = await broker_client.config_get("maxmemory")
    try:
        await broker_client.config_set("maxmemory", 0)
        assert (await broker_memory(broker_client)).limit > 1_000_000_000
        await broker_client.config_set("maxmemory", 500_000_000)
        assert (await broker_memory(broker_client)).limit == 500_000_000
        configured = await broker_memory(broker_client, 100_000_000)
        assert configured.limit == 100_000_000
        assert 0 < configured.ratio < 1
    finally:
        await broker_client.config_set("maxmemory", own["maxmemory"])


async def test_the_alarm_rings_before_the_memory_ends_and_stops_when_there_is_room(
    broker_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one line and a metric when it begins, and when it is over."""
    monkeypatch.setattr(memory_module, "LOOK_EVERY_S", 0.02)

    def rings() -> float | None:
        return metrics.REGISTRY.get_sample_value("cassiopeia_broker_memory_alert_state")

    limit = (await broker_memory(broker_client)).used + 20_000_000
    with structlog.testing.capture_logs() as log:
        watching = asyncio.create_task(watch_memory_forever(broker_client, MemoryAlarm(0.7), limit))
        await wait_until(lambda: rings() == 0, 5, "a quiet alarm")
        await broker_client.set("test:large", bytes(15_000_000))
        await wait_until(lambda: rings() == 1, 5, "the alarm")
        await broker_client.delete("test:large")
        await wait_until(lambda: rings() == 0, 5, "its end")
        await end_tasks(watching)
    assert [line["event"] for line in log] == ["broker_memory_high", "broker_memory_normal"]
