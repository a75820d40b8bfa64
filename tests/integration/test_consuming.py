"""A consumer of a group: what it must never lose, never do twice, and how it follows the load."""

import pytest
from redis.asyncio import Redis

from libs.common import metrics
from libs.common.broker import Publisher
from libs.common.consuming import stream_consumer as consuming_module
from libs.common.consuming.stream_consumer import ConsumerOptions
from libs.common.topology import EVENTS_ISS, PERSISTENCE
from tests.factories import position_event, position_events
from tests.integration.consumers import (
    QUICK,
    Handler,
    all_done,
    consuming,
    leave_pending,
    letters,
    pending,
)
from tests.waiting import wait_until


async def test_entries_are_handled_in_batches_and_acknowledged(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """Everything published is handled once, in order, many at a time, and nothing stays pending."""
    events = position_events(250)
    await publisher.publish(events)
    handler = Handler()
    options = ConsumerOptions(batch_size=100)
    async with consuming(valkey_url, handler, options) as consumer:
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
        await wait_until(lambda: not consumer.busy, 5, "a consumer at rest")
        assert (consumer.running, consumer.failures) == (True, 0)
    assert handler.bodies == [event.encode() for event in events]
    assert handler.calls == 3


async def test_a_restarted_consumer_gets_its_own_entries_back(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """What a consumer was given before it died is handled when one of its name starts again."""
    events = position_events(25)
    await publisher.publish(events)
    await leave_pending(broker_client, "consumer-0")
    handler = Handler()
    options = ConsumerOptions(batch_size=10, reclaim_every_s=3_600)
    async with consuming(valkey_url, handler, options):
        await publisher.publish([position_event(25)])
        await wait_until(lambda: all_done(broker_client), 5, "an empty stream")
    taken = [event.encode() for event in [*events, position_event(25)]]
    assert sorted(handler.bodies) == sorted(taken)


async def test_a_dead_consumers_entries_are_taken_over(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """What another consumer left pending too long is handled by this one, and counted."""
    events = position_events(25)
    await publisher.publish(events)
    await leave_pending(broker_client, "consumer-9")
    handler = Handler()
    options = ConsumerOptions(batch_size=10, reclaim_idle_s=0.05, reclaim_every_s=0.05)
    async with consuming(valkey_url, handler, options):
        await wait_until(lambda: all_done(broker_client), 5, "an empty stream")
    assert handler.bodies == [event.encode() for event in events]


async def test_a_living_consumers_entries_are_left_to_it(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """Entries that are pending for a shorter time than allowed are not taken over."""
    await publisher.publish(position_events(5))
    await leave_pending(broker_client, "consumer-9")
    handler = Handler()
    options = ConsumerOptions(reclaim_idle_s=3_600, reclaim_every_s=0.01)
    async with consuming(valkey_url, handler, options):
        await publisher.publish([position_event(5)])
        await wait_until(lambda: len(handler.taken) == 1, 5, "the new entry")
    assert await pending(broker_client) == 5


async def test_a_failing_handler_keeps_its_batch_and_leaves_the_stream(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """A fault that concerns every batch does not move the stream into the pending list."""
    await publisher.publish(position_events(200))
    handler = Handler()
    handler.fails = True
    async with consuming(valkey_url, handler, ConsumerOptions(batch_size=1)) as consumer:
        await wait_until(lambda: handler.calls >= 3, 10, "three failures")
        assert consumer.failures >= 2
        assert await pending(broker_client) <= handler.calls
        assert handler.taken == []
    assert await letters(broker_client) == []


async def test_a_handler_that_recovers_gets_its_batch_again(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """What failed is delivered again by itself, without a restart."""
    events = position_events(3)
    await publisher.publish(events)
    handler = Handler()
    handler.fails = True
    options = ConsumerOptions(reclaim_idle_s=0.05, reclaim_every_s=0.05, max_deliveries=100)
    async with consuming(valkey_url, handler, options) as consumer:
        await wait_until(lambda: handler.calls, 5, "a failure")
        handler.fails = False
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
        assert consumer.failures == 0
    assert handler.bodies == [event.encode() for event in events]
    assert await letters(broker_client) == []


@pytest.mark.parametrize("owner", ["consumer-0", "consumer-9"], ids=["own", "another's"])
async def test_pending_entries_that_were_trimmed_are_let_go(
    publisher: Publisher, broker_client: Redis, valkey_url: str, owner: str
) -> None:
    """Entries that are pending and gone are acknowledged and make no letter; the rest goes on."""
    await publisher.publish(position_events(5))
    await leave_pending(broker_client, owner)
    await broker_client.xtrim(EVENTS_ISS.key, maxlen=2, approximate=False)
    handler = Handler()
    async with consuming(valkey_url, handler, QUICK):
        await wait_until(lambda: all_done(broker_client), 5, "an empty stream")
    assert handler.bodies == [event.encode() for event in position_events(2, start=3)]
    assert await letters(broker_client) == []


async def test_two_readers_work_at_once_and_take_each_entry_once(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """While one batch is in work another one is, and in the end each entry was taken once."""
    events = position_events(95)
    handler = Handler()
    handler.gate.clear()
    async with consuming(valkey_url, handler, ConsumerOptions(batch_size=10, readers=2)):
        await publisher.publish(events)
        await wait_until(lambda: handler.calls == 2, 5, "two batches in work")
        assert handler.taken == []
        handler.gate.set()
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
    assert sorted(handler.bodies) == sorted(event.encode() for event in events)


async def test_a_slow_handler_stops_the_reading(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """However much waits, a process holds one batch per reader and no more; then it goes on."""
    handler = Handler()
    handler.gate.clear()
    await publisher.publish(position_events(1_000))
    async with consuming(valkey_url, handler, ConsumerOptions(batch_size=20, readers=2)):
        await wait_until(lambda: handler.calls == 2, 5, "two batches in work")
        for start in (1_000, 2_000):
            await publisher.publish(position_events(1_000, start=start))
            assert await pending(broker_client) == 40
        handler.gate.set()
        await wait_until(lambda: all_done(broker_client), 20, "an empty stream")
    assert len(handler.taken) == 3_000


async def test_large_entries_are_handled_a_few_at_a_time(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """However many are read at once, a handler is never given more than a slice of bytes."""
    bodies = [b"%d" % index + bytes(3 * 2**20) for index in range(5)]
    await publisher.publish_bodies(EVENTS_ISS, bodies)
    handler = Handler()
    async with consuming(valkey_url, handler):
        await wait_until(lambda: all_done(broker_client), 20, "an empty stream")
    assert handler.bodies == bodies
    assert handler.calls == 3


async def test_a_batch_is_what_is_there(
    publisher: Publisher,
    broker_client: Redis,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When quiet an event comes alone and at once; what came meanwhile comes together.

    A read may block for 4 s here: ten events in a row that each waited for its end, or for a batch
    to become full, would take as many times as long as the last wait allows.
    """
    monkeypatch.setattr(consuming_module, "READ_BLOCK_MS", 4_000)
    before = batch_sizes()
    handler = Handler()
    async with consuming(valkey_url, handler, ConsumerOptions(batch_size=100)):
        for index in range(10):
            await publisher.publish([position_event(index)])
            await wait_until(lambda: len(handler.taken) == index + 1, 3, "the event")  # noqa: B023
        handler.gate.clear()
        await publisher.publish([position_event(10)])
        await wait_until(lambda: handler.calls == 11, 5, "a batch in work")
        await publisher.publish(position_events(250, start=11))
        handler.gate.set()
        await wait_until(lambda: all_done(broker_client), 5, "an empty stream")
    sizes = {size: count - before.get(size, 0) for size, count in batch_sizes().items()}
    assert (sizes["1.0"], sizes["50.0"], sizes["100.0"]) == (11, 12, 14)


def batch_sizes() -> dict[str, float]:
    """Return how many batches had at most so many entries, by bound."""
    return {
        sample.labels["le"]: sample.value
        for family in metrics.BATCH_SIZE.collect()
        for sample in family.samples
        if sample.name.endswith("_bucket")
        and (sample.labels["stream"], sample.labels["group"]) == (EVENTS_ISS.key, PERSISTENCE)
    }
