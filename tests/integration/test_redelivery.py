"""What is delivered again: good entries survive any number of deaths, bad ones are found out."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from typing import Any

import pytest
import structlog
from redis.asyncio import Redis

from libs.common.broker import Publisher
from libs.common.consuming.batch_processing import DEATHS_ALONE
from libs.common.consuming.pending import Entry, PendingList
from libs.common.consuming.stream_consumer import ConsumerOptions
from libs.common.dead_letters import Rejection
from libs.common.errors import DependencyUnavailableError
from libs.common.topology import EVENTS_ISS, PERSISTENCE
from tests.factories import position_event, position_events
from tests.integration import mortal_consumer as mortal
from tests.integration.consumers import (
    Handler,
    all_done,
    consuming,
    entry_ids,
    leave_pending,
    letters,
    notes,
    pending,
)
from tests.servers import CHECKOUT
from tests.waiting import wait_until

THREE = ConsumerOptions(max_deliveries=3)


async def deliver_again(client: Redis, consumer: str, times: int) -> None:
    """Start a consumer so often that dies with everything in its hands."""
    for _ in range(times):
        await client.xreadgroup(PERSISTENCE, consumer, {EVENTS_ISS.key: "0"})


async def test_good_entries_survive_any_number_of_deaths(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """However often their consumer was killed, entries that can be taken are taken."""
    events = position_events(20)
    await publisher.publish(events)
    await leave_pending(broker_client, "consumer-0")
    await deliver_again(broker_client, "consumer-0", 50)
    handler = Handler()
    async with consuming(valkey_url, handler, THREE):
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
    assert handler.bodies == [event.encode() for event in events]
    assert await letters(broker_client) == []


async def test_an_entry_that_kills_its_consumer_becomes_a_letter(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """It is found by being alone in work when the process dies; its neighbours are taken once."""
    good = [event.encode() for event in position_events(6)]
    await publisher.publish_bodies(EVENTS_ISS, [*good[:3], mortal.DEADLY, *good[3:]])
    await leave_pending(broker_client, mortal.NAME)

    async def exit_code() -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.integration.mortal_consumer", valkey_url, cwd=CHECKOUT
        )
        return await process.wait()

    codes = [await exit_code()]
    while codes[-1] != 0 and len(codes) < 20:
        codes.append(await exit_code())
    # Once with its neighbours, the rest alone: the first delivery was ours.
    deaths = mortal.MAX_DELIVERIES - 2 + DEATHS_ALONE
    assert codes == [-signal.SIGKILL] * deaths + [0]
    (letter,) = await letters(broker_client)
    assert letter["body"] == mortal.DEADLY
    assert letter["reason"] == f"killed its consumer {DEATHS_ALONE} times, being alone".encode()
    taken: Any = await broker_client.lrange(mortal.TAKEN_KEY, 0, -1)
    assert taken == good
    assert await pending(broker_client) == 0


async def test_what_fails_alone_becomes_a_letter_and_its_neighbours_do_not(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """A batch that fails time and again is taken apart; the letter says what happened."""
    events = [event.encode() for event in position_events(9)]
    bad = events[4]
    await publisher.publish_bodies(EVENTS_ISS, events)
    handler = Handler(fails_on=lambda entry: entry.body == bad)
    options = ConsumerOptions(reclaim_idle_s=0.02, reclaim_every_s=0.02, max_deliveries=2)
    async with consuming(valkey_url, handler, options):
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
    (letter,) = await letters(broker_client)
    assert letter["body"] == bad
    assert letter["reason"] == (b"failed 2 times, at last alone: RuntimeError('the handler fails')")
    assert sorted(handler.bodies) == sorted(set(events) - {bad})


async def test_a_wait_for_a_server_condemns_nothing(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """An entry alone that waits is not noted: whoever kills its consumer then did not do it."""
    await publisher.publish([position_event()])
    await leave_pending(broker_client, "consumer-0")
    await deliver_again(broker_client, "consumer-0", 5)
    handler = Handler()
    handler.gate.clear()

    async def is_waiting() -> bool:
        return handler.calls == 1 and not await notes(broker_client)

    async with consuming(valkey_url, handler, THREE):
        await wait_until(is_waiting, 10, "an entry alone without a note")
        assert await pending(broker_client) == 1
        handler.gate.set()
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
    assert handler.bodies == [position_event().encode()]


async def test_one_entry_of_a_process_is_alone_at_a_time(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """What kills its process while it is alone leaves no note at what another consumer handles."""
    await publisher.publish(position_events(40))
    for name in ("consumer-0", "consumer-1"):
        await leave_pending(broker_client, name, count=20)
        await deliver_again(broker_client, name, 5)
    noted: list[int] = []

    class Noting(Handler):
        async def __call__(self, entries: Sequence[Entry]) -> Sequence[Rejection]:
            noted.append(len(await notes(broker_client)))
            return await super().__call__(entries)

    turn = asyncio.Lock()
    async with (
        consuming(valkey_url, Noting(), THREE, name="consumer-0", turn=turn),
        consuming(valkey_url, Noting(), THREE, name="consumer-1", turn=turn),
    ):
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
    assert noted == [1] * 40


async def test_what_waits_behind_an_entry_alone_keeps_its_claim(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """Entries that are to be handled alone are nobody else's while one before them takes long."""
    await publisher.publish(position_events(3))
    *_, last = await entry_ids(broker_client)
    await leave_pending(broker_client, "consumer-slow")
    await deliver_again(broker_client, "consumer-slow", 5)
    slow, quick = Handler(), Handler()
    slow.gate.clear()
    options = ConsumerOptions(reclaim_idle_s=1.0, reclaim_every_s=0.05, max_deliveries=3)
    async with consuming(valkey_url, slow, options, name="consumer-slow"):
        await wait_until(lambda: slow.calls == 1, 5, "the first entry in work")
        async with consuming(valkey_url, quick, options, name="consumer-quick"):
            # This is two lives of a claim.
            await renewals(broker_client, last, 8)
        slow.gate.set()
        await wait_until(lambda: all_done(broker_client), 5, "an empty stream")
    assert (slow.calls, quick.calls) == (3, 0)


async def test_a_server_that_is_away_is_asked_once_for_all(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """The first entry alone that finds a server away is the last one that is tried for now."""
    await publisher.publish(position_events(3))
    await leave_pending(broker_client, "consumer-0")
    await deliver_again(broker_client, "consumer-0", 5)
    handler = Handler()
    handler.fails, handler.error = True, DependencyUnavailableError("refuses")
    async with consuming(valkey_url, handler, THREE) as consumer:
        await wait_until(lambda: consumer.failures, 10, "the failure")
        handler.fails = False
        await publisher.publish([position_event(3)])
        await wait_until(lambda: handler.taken, 10, "a new entry")
    assert handler.bodies == [position_event(3).encode()]
    assert await pending(broker_client) == 3


async def test_new_entries_do_not_wait_for_old_ones(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """While what was given before cannot be taken, what is new is, and each of it once."""
    old = position_event(0).encode()
    await publisher.publish_bodies(EVENTS_ISS, [old])
    await leave_pending(broker_client, "consumer-0")
    gate = asyncio.Event()

    class Stuck(Handler):
        async def __call__(self, entries: Sequence[Entry]) -> Sequence[Rejection]:
            if any(entry.body == old for entry in entries):
                await gate.wait()
            return await super().__call__(entries)

    handler = Stuck()
    async with consuming(valkey_url, handler):
        new = [event.encode() for event in position_events(50, start=1)]
        await publisher.publish_bodies(EVENTS_ISS, new)
        await wait_until(lambda: len(handler.taken) == len(new), 10, "the new entries")
        gate.set()
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
    assert handler.bodies == [*new, old]


async def test_a_server_that_is_away_makes_no_letter(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """An entry that fails alone because something else is missing stays pending, and is taken."""
    await publisher.publish([position_event()])
    await leave_pending(broker_client, "consumer-0")
    await deliver_again(broker_client, "consumer-0", 5)
    handler = Handler()
    handler.fails, handler.error = True, DependencyUnavailableError("stopped while waiting")
    options = ConsumerOptions(reclaim_idle_s=0.02, reclaim_every_s=0.02, max_deliveries=3)
    async with consuming(valkey_url, handler, options):
        await wait_until(lambda: handler.calls >= 4, 10, "several tries")
        assert await pending(broker_client) == 1
        handler.fails = False
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
    assert handler.bodies == [position_event().encode()]
    assert await letters(broker_client) == []


async def test_deleted_entries_that_are_pending_are_told(
    publisher: Publisher, broker_client: Redis
) -> None:
    """Somebody removed them before they were stored: the log says how many, for an alarm."""
    await publisher.publish(position_events(5))
    await leave_pending(broker_client, "dead")
    await broker_client.xdel(EVENTS_ISS.key, *(await entry_ids(broker_client))[:3])
    taker = PendingList(broker_client, stream=EVENTS_ISS.key, group=PERSISTENCE, consumer="taker")
    with structlog.testing.capture_logs() as log:
        pages = [len(page) async for page in taker.left_behind(0, 100)]
    assert pages == [2]
    assert [(line["event"], line["entries"]) for line in log] == [
        ("pending_entries_were_trimmed", 3)
    ]


async def idle_ms(client: Redis, entry_id: str) -> int:
    """Return for how long nobody has renewed the claim to an entry."""
    listed: Any = await client.xpending_range(
        EVENTS_ISS.key, PERSISTENCE, min=entry_id, max=entry_id, count=1
    )
    return int(listed[0]["time_since_delivered"])


async def renewals(client: Redis, entry_id: str, count: int) -> None:
    """Wait until the claim to an entry was renewed so often."""
    seen, last = 0, 0

    async def enough() -> bool:
        nonlocal seen, last
        idle = await idle_ms(client, entry_id)
        seen, last = seen + (idle < last), idle
        return seen >= count

    await wait_until(enough, 20, f"{count} renewals")


async def test_a_slow_batch_keeps_its_claim(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """However long a handler takes, nobody else gets its entries, and it was one delivery."""
    await publisher.publish(position_events(5))
    first, *_ = await entry_ids(broker_client)
    slow, quick = Handler(), Handler()
    slow.gate.clear()
    options = ConsumerOptions(reclaim_idle_s=1.0, reclaim_every_s=0.05)
    async with consuming(valkey_url, slow, options, name="consumer-slow"):
        await wait_until(lambda: slow.calls == 1, 5, "the slow consumer's batch")
        async with consuming(valkey_url, quick, options, name="consumer-quick"):
            # A renewal comes four times in the life of a claim: this is two lives.
            await renewals(broker_client, first, 8)
            listed: Any = await broker_client.xpending_range(
                EVENTS_ISS.key, PERSISTENCE, min="-", max="+", count=10
            )
            assert {(item["consumer"], item["times_delivered"]) for item in listed} == {
                (b"consumer-slow", 1)
            }
        slow.gate.set()
        await wait_until(lambda: all_done(broker_client), 5, "an empty stream")
    assert (slow.calls, quick.calls) == (1, 0)


async def test_a_renewal_takes_nothing_back(publisher: Publisher, broker_client: Redis) -> None:
    """What others took over while a process was stopped stays theirs when it wakes up."""
    await publisher.publish(position_events(2))
    lost, kept = await entry_ids(broker_client)
    await leave_pending(broker_client, "sleeper")
    sleeper, taker = (
        PendingList(broker_client, stream=EVENTS_ISS.key, group=PERSISTENCE, consumer=name)
        for name in ("sleeper", "taker")
    )
    assert await taker.hold([lost]) == {lost}
    entries = [Entry(EVENTS_ISS.key, entry_id, b"") for entry_id in (lost, kept)]
    async with sleeper.kept(entries, life_s=0.4):
        await renewals(broker_client, kept, 2)
    listed: Any = await broker_client.xpending_range(
        EVENTS_ISS.key, PERSISTENCE, min="-", max="+", count=10
    )
    assert [item["consumer"] for item in listed] == [b"taker", b"sleeper"]


@pytest.mark.parametrize("batch_size", [7, 100], ids=["pages", "at once"])
async def test_much_that_was_left_is_taken_page_by_page(
    publisher: Publisher, broker_client: Redis, valkey_url: str, batch_size: int
) -> None:
    """What a dead consumer left is taken over in batches, each entry once."""
    events = position_events(100)
    await publisher.publish(events)
    await leave_pending(broker_client, "consumer-9")
    handler = Handler()
    options = ConsumerOptions(batch_size, reclaim_idle_s=0.05, reclaim_every_s=0.05)
    async with consuming(valkey_url, handler, options):
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
    assert handler.bodies == [event.encode() for event in events]
    assert handler.calls == -(-100 // batch_size)
