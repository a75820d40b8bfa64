"""A consumer of a group: what it must never lose, never do twice, and never keep on trying."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.common import consuming as module
from libs.common import metrics
from libs.common.broker import Publisher
from libs.common.consuming import ConsumerOptions
from libs.common.deadletters import DeadLetters, Entry, Rejection
from libs.common.errors import DependencyUnavailableError
from libs.common.tasks import end_tasks
from libs.common.topology import EVENTS_ISS, PERSISTENCE
from tests.factories import position_event, position_events, undecodable
from tests.integration.consumers import (
    QUICK,
    SLOW,
    Handler,
    all_done,
    command,
    consuming,
    entry_ids,
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
        assert (consumer.running, consumer.busy, consumer.failures) == (True, False, 0)
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
    assert handler.bodies == [event.encode() for event in [*events, position_event(25)]]


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


async def test_what_cannot_be_taken_becomes_a_letter(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """A letter has reason, stream, entry, group, consumer, time and the exact bytes."""
    bad = [poison.body for poison in undecodable()] + [bytes(range(256))]
    ids = [await broker_client.xadd(EVENTS_ISS.key, {"__data__": body}) for body in bad]
    await publisher.publish([position_event()])
    handler = Handler(rejects=lambda entry: entry.body in bad)
    async with consuming(valkey_url, handler):
        await wait_until(lambda: all_done(broker_client), 5, "an empty stream")
    found = await letters(broker_client)
    assert [letter["body"] for letter in found] == bad
    assert [letter["entry"] for letter in found] == ids
    for letter in found:
        assert letter["stream"] == EVENTS_ISS.key.encode()
        assert (letter["group"], letter["consumer"]) == (PERSISTENCE.encode(), b"consumer-0")
        assert letter["reason"] == b"not wanted"
        assert letter["at"].endswith(b"Z")
    assert handler.bodies == [position_event().encode()]


async def test_an_entry_that_two_consumers_hold_makes_one_letter(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """A slow consumer whose entry was taken over and diverted does not divert it again."""
    await publisher.publish([position_event()])
    slow, quick = Handler(rejects=lambda _: True), Handler(rejects=lambda _: True)
    slow.gate.clear()
    async with consuming(valkey_url, slow, SLOW, name="consumer-slow"):
        await wait_until(lambda: slow.calls == 1, 5, "the slow consumer's batch")
        async with consuming(valkey_url, quick, QUICK, name="consumer-quick"):
            await wait_until(lambda: letters(broker_client), 5, "the letter")
        slow.gate.set()
        await wait_until(lambda: all_done(broker_client), 5, "an empty stream")
    (letter,) = await letters(broker_client)
    assert letter["consumer"] == b"consumer-quick"


async def test_diverting_at_the_same_moment_makes_one_letter(
    publisher: Publisher, broker_client: Redis
) -> None:
    """However many divert an entry, one of them does, and the others are told."""
    await publisher.publish([position_event()])
    await leave_pending(broker_client)
    (entry_id,) = await entry_ids(broker_client)
    rejection = Rejection(Entry(EVENTS_ISS.key, entry_id, b"body"), "why")
    dead_letters = DeadLetters(broker_client)
    diverted = await asyncio.gather(
        *(
            dead_letters.divert([rejection], group=PERSISTENCE, consumer=f"c-{n}", at="now")
            for n in range(10)
        )
    )
    assert sum(diverted) == 1
    assert len(await letters(broker_client)) == 1


async def test_a_reason_is_cut_and_a_body_is_not(
    publisher: Publisher, broker_client: Redis
) -> None:
    """A library's essay becomes 500 characters; a body of a megabyte is kept whole."""
    body = bytes(1_000_000)
    await publisher.publish_bodies(EVENTS_ISS, [body])
    await leave_pending(broker_client)
    (entry_id,) = await entry_ids(broker_client)
    rejection = Rejection(Entry(EVENTS_ISS.key, entry_id, body), "why " * 1_000)
    await DeadLetters(broker_client).divert([rejection], group=PERSISTENCE, consumer="c", at="now")
    (letter,) = await letters(broker_client)
    assert letter["body"] == body
    assert len(letter["reason"]) == 500


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


async def test_what_fails_time_and_again_becomes_a_letter(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """After so many deliveries an entry is given up, with the number of failures."""
    event = position_event()
    await publisher.publish([event])
    handler = Handler()
    handler.fails = True
    options = ConsumerOptions(reclaim_idle_s=0.02, reclaim_every_s=0.02, max_deliveries=2)
    async with consuming(valkey_url, handler, options):
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
    (letter,) = await letters(broker_client)
    assert letter["body"] == event.encode()
    assert letter["reason"] == b"failed 2 times"
    assert handler.calls == 2


async def test_what_kills_its_consumer_becomes_a_letter(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """An entry whose consumer died at each delivery is given up by the next start."""
    await publisher.publish([position_event()])
    await leave_pending(broker_client, "consumer-0")
    for _ in range(2):
        await broker_client.xreadgroup(PERSISTENCE, "consumer-0", {EVENTS_ISS.key: "0"})
    handler = Handler()
    async with consuming(valkey_url, handler, ConsumerOptions(max_deliveries=3)):
        await wait_until(lambda: all_done(broker_client), 5, "an empty stream")
    assert handler.calls == 0
    (letter,) = await letters(broker_client)
    assert letter["reason"] == b"failed 3 times"


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


async def test_a_deleted_group_ends_the_consumer(
    publisher: Publisher,
    broker_client: Redis,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A consumer whose group is gone does not pretend to be well: its watch ends with an error."""
    del publisher
    monkeypatch.setattr(module, "WATCH_EVERY_S", 0.05)
    async with consuming(valkey_url, Handler()) as consumer:
        watching = asyncio.create_task(consumer.watch_forever())
        await broker_client.xgroup_destroy(EVENTS_ISS.key, PERSISTENCE)
        with pytest.raises(DependencyUnavailableError, match=r"ended|no group"):
            await watching


async def test_a_flushed_broker_ends_the_consumer(
    publisher: Publisher,
    broker_client: Redis,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After FLUSHALL the watch ends with an error, so that a restart can create the group anew."""
    del publisher
    monkeypatch.setattr(module, "WATCH_EVERY_S", 0.05)
    async with consuming(valkey_url, Handler()) as consumer:
        watching = asyncio.create_task(consumer.watch_forever())
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
    monkeypatch.setattr(module, "WATCH_EVERY_S", 0.05)
    monkeypatch.setattr(module, "STANDSTILL_S", 0.3)
    async with consuming(valkey_url, Handler()) as consumer:
        watching = asyncio.create_task(consumer.watch_forever())
        await command(broker_client, "ACL", "SETUSER", "default", "-xreadgroup")
        try:
            await publisher.publish([position_event()])
            with pytest.raises(DependencyUnavailableError, match="has not read"):
                await watching
        finally:
            await command(broker_client, "ACL", "SETUSER", "default", "+@all")
        assert consumer.running


async def test_the_watch_tells_lag_and_pending(
    publisher: Publisher,
    broker_client: Redis,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The metrics show what the group was not given yet, and what it has not acknowledged."""
    monkeypatch.setattr(module, "WATCH_EVERY_S", 0.05)

    def gauge(name: str) -> Any:
        labels = {"stream": EVENTS_ISS.key, "group": PERSISTENCE}
        return metrics.REGISTRY.get_sample_value(name, labels)

    handler = Handler()
    handler.gate.clear()
    await publisher.publish(position_events(10))
    async with consuming(valkey_url, handler, ConsumerOptions(batch_size=4)) as consumer:
        watching = asyncio.create_task(consumer.watch_forever())
        await wait_until(lambda: gauge("cassiopeia_stream_lag_entries") == 6, 5, "the lag")
        assert gauge("cassiopeia_stream_pending_entries") == 4
        handler.gate.set()
        await wait_until(lambda: all_done(broker_client), 5, "an empty stream")
        await wait_until(lambda: gauge("cassiopeia_stream_lag_entries") == 0, 5, "no lag")
        await end_tasks(watching)
