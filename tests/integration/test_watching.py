"""The watch over a consumer: it says how far the group is, and when nothing is read any more."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.common import metrics
from libs.common.broker import Publisher
from libs.common.clock import SystemClock
from libs.common.consuming import watching as module
from libs.common.consuming.stream_consumer import ConsumerOptions, StreamConsumer
from libs.common.consuming.watching import group_state, watch_forever
from libs.common.errors import DependencyUnavailableError
from libs.common.tasks import end_tasks
from libs.common.topology import EVENTS_ISS, PERSISTENCE
from tests.factories import position_event, position_events
from tests.integration.consumers import (
    Handler,
    all_done,
    command,
    consuming,
    entry_ids,
    leave_pending,
)
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look twenty times a second."""
    monkeypatch.setattr(module, "WATCH_EVERY_S", 0.05)


def watch(redis: Redis, consumer: StreamConsumer) -> "asyncio.Task[None]":
    """Watch a consumer."""
    return asyncio.create_task(watch_forever(redis, consumer, SystemClock()))


async def test_a_deleted_group_ends_the_consumer(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """A consumer whose group is gone does not pretend to be well: its watch ends with an error."""
    del publisher
    async with consuming(valkey_url, Handler()) as consumer:
        watching = watch(broker_client, consumer)
        await broker_client.xgroup_destroy(EVENTS_ISS.key, PERSISTENCE)
        with pytest.raises(DependencyUnavailableError, match=r"ended|no group"):
            await watching


async def test_a_flushed_broker_ends_the_consumer(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """After FLUSHALL the watch ends with an error, so that a restart can create the group anew."""
    del publisher
    async with consuming(valkey_url, Handler()) as consumer:
        watching = watch(broker_client, consumer)
        await broker_client.flushall()
        with pytest.raises(DependencyUnavailableError, match="has ended"):
            await watching


async def test_a_consumer_that_stands_still_is_found_out(
    publisher: Publisher,
    broker_client: Redis,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Entries that a running subscription does not read, here by right, end its watch."""
    monkeypatch.setattr(module, "STANDSTILL_S", 0.3)
    async with consuming(valkey_url, Handler()) as consumer:
        watching = watch(broker_client, consumer)
        await command(broker_client, "ACL", "SETUSER", "default", "-xreadgroup")
        try:
            await publisher.publish([position_event()])
            with pytest.raises(DependencyUnavailableError, match="has not read"):
                await watching
        finally:
            await command(broker_client, "ACL", "SETUSER", "default", "+@all")
        assert consumer.running


async def test_the_watch_tells_lag_and_pending(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """The metrics show what the group was not given yet, and what it has not acknowledged."""

    def gauge(name: str) -> Any:
        labels = {"stream": EVENTS_ISS.key, "group": PERSISTENCE}
        return metrics.REGISTRY.get_sample_value(name, labels)

    handler = Handler()
    handler.gate.clear()
    await publisher.publish(position_events(10))
    async with consuming(valkey_url, handler, ConsumerOptions(batch_size=4)) as consumer:
        watching = watch(broker_client, consumer)
        await wait_until(lambda: gauge("cassiopeia_stream_lag_entries") == 6, 5, "the lag")
        assert gauge("cassiopeia_stream_pending_entries") == 4
        handler.gate.set()
        await wait_until(lambda: all_done(broker_client), 5, "an empty stream")
        await wait_until(lambda: gauge("cassiopeia_stream_lag_entries") == 0, 5, "no lag")
        await end_tasks(watching)


async def test_a_key_that_is_no_stream_ends_the_consumer(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """A broker that refuses to read the key is no reason to ask it for ever; the reason is told."""
    del publisher
    async with consuming(valkey_url, Handler()) as consumer:
        watching = watch(broker_client, consumer)
        await broker_client.set(EVENTS_ISS.key, "something else")
        with pytest.raises(DependencyUnavailableError, match=r"WRONGTYPE|has ended"):
            await watching


async def test_a_lag_that_the_broker_does_not_know_is_no_zero(
    publisher: Publisher, broker_client: Redis
) -> None:
    """After a restore has moved the group, the watch still knows whether there is more to read."""
    await publisher.publish(position_events(5))
    ids = await entry_ids(broker_client)

    async def lag(last_delivered: str) -> int:
        await broker_client.xgroup_setid(EVENTS_ISS.key, PERSISTENCE, last_delivered)
        return (await group_state(broker_client, EVENTS_ISS.key, PERSISTENCE)).lag

    assert await lag(ids[1]) == 1
    assert await lag(ids[-1]) == 0


async def test_the_oldest_that_is_not_acknowledged_is_known(
    publisher: Publisher, broker_client: Redis
) -> None:
    """It is the first pending entry, else the first that nobody was given, else none."""
    await publisher.publish(position_events(5))
    ids = await entry_ids(broker_client)

    async def oldest() -> str | None:
        return (await group_state(broker_client, EVENTS_ISS.key, PERSISTENCE)).oldest

    assert await oldest() == ids[0]
    await leave_pending(broker_client, count=3)
    await broker_client.xack(EVENTS_ISS.key, PERSISTENCE, ids[0])
    assert await oldest() == ids[1]
    await broker_client.xack(EVENTS_ISS.key, PERSISTENCE, *ids[1:3])
    assert await oldest() == ids[3]
    await leave_pending(broker_client)
    await broker_client.xack(EVENTS_ISS.key, PERSISTENCE, *ids[3:])
    assert await oldest() is None
