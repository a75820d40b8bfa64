"""Dead letters: one for each entry that cannot be taken, whoever dies at whichever moment."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from libs.common.broker import Publisher, text
from libs.common.consuming.pending import Entry, PendingList
from libs.common.dead_letters import DeadLetters, Rejection
from libs.common.events import Origin, Provenance
from libs.common.topology import EVENTS_DEAD, EVENTS_ISS, PERSISTENCE
from tests.factories import START, position_event, position_events, undecodable
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


def list_of(client: Redis, consumer: str = "c") -> PendingList:
    """Return the pending list of a consumer of the positions."""
    return PendingList(client, stream=EVENTS_ISS.key, group=PERSISTENCE, consumer=consumer)


async def rejection_of_one(
    publisher: Publisher, client: Redis, body: bytes = b"body", reason: str = "why"
) -> Rejection:
    """Leave an entry pending; return its rejection."""
    await publisher.publish_bodies(EVENTS_ISS, [body])
    await leave_pending(client)
    (entry_id,) = await entry_ids(client)
    return Rejection(Entry(EVENTS_ISS.key, entry_id, body), reason)


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
    """However many divert an entry, one of them writes the letter, and the others are told."""
    rejection = await rejection_of_one(publisher, broker_client)
    dead_letters = DeadLetters(broker_client)
    diverted = await asyncio.gather(
        *(
            dead_letters.divert([rejection], pending=list_of(broker_client, f"c-{n}"), at="now")
            for n in range(10)
        )
    )
    assert sum(diverted) == 1
    assert len(await letters(broker_client)) == 1
    assert await pending(broker_client) == 0


async def test_dying_between_letter_and_acknowledgement_makes_one_letter(
    publisher: Publisher, broker_client: Redis
) -> None:
    """The entry is pending still, comes again, and is acknowledged without a second letter."""
    rejection = await rejection_of_one(publisher, broker_client)
    dead_letters = DeadLetters(broker_client)
    await command(broker_client, "ACL", "SETUSER", "default", "-xack")
    try:
        with pytest.raises(NoPermissionError):
            await dead_letters.divert([rejection], pending=list_of(broker_client), at="now")
    finally:
        await command(broker_client, "ACL", "SETUSER", "default", "+@all")
    assert len(await letters(broker_client)) == 1
    assert await pending(broker_client) == 1
    assert not await dead_letters.divert([rejection], pending=list_of(broker_client), at="later")
    (letter,) = await letters(broker_client)
    assert letter["at"] == b"now"
    assert await pending(broker_client) == 0


async def test_what_somebody_else_took_is_not_diverted(
    publisher: Publisher, broker_client: Redis
) -> None:
    """An entry that another consumer has acknowledged meanwhile makes no letter."""
    rejection = await rejection_of_one(publisher, broker_client)
    await broker_client.xack(EVENTS_ISS.key, PERSISTENCE, rejection.entry.id)
    diverted = await DeadLetters(broker_client).divert(
        [rejection], pending=list_of(broker_client), at="now"
    )
    assert diverted == 0
    assert await letters(broker_client) == []


async def test_a_reason_is_cut_and_a_body_is_not(
    publisher: Publisher, broker_client: Redis
) -> None:
    """A library's essay becomes 500 characters; a body of a megabyte is kept whole."""
    body = bytes(1_000_000)
    rejection = await rejection_of_one(publisher, broker_client, body, "why " * 1_000)
    await DeadLetters(broker_client).divert([rejection], pending=list_of(broker_client), at="now")
    (letter,) = await letters(broker_client)
    assert letter["body"] == body
    assert len(letter["reason"]) == 500


async def test_many_at_once_are_as_many_letters(publisher: Publisher, broker_client: Redis) -> None:
    """A whole batch that is refused becomes a letter each, in order, a hundred at a time."""
    bodies = [event.encode() for event in position_events(500)]
    await publisher.publish_bodies(EVENTS_ISS, bodies)
    await leave_pending(broker_client, count=500)
    rejections = [
        Rejection(Entry(EVENTS_ISS.key, entry_id, body), "why")
        for entry_id, body in zip(await entry_ids(broker_client), bodies, strict=True)
    ]
    dead_letters = DeadLetters(broker_client)
    await broker_client.config_resetstat()
    assert await dead_letters.divert(rejections, pending=list_of(broker_client), at="now") == 500
    statistics = await broker_client.info("commandstats")
    assert (
        statistics["cmdstat_evalsha"]["calls"] - statistics["cmdstat_evalsha"]["failed_calls"] == 5
    )
    assert [letter["body"] for letter in await letters(broker_client)] == bodies


async def test_a_body_that_an_upstream_repeats_makes_one_letter(broker_client: Redis) -> None:
    """The same body of one source is kept once; another one, or another source's, again."""
    dead_letters = DeadLetters(broker_client)
    provenance = Provenance("wheretheiss.at", Origin.LIVE, START)
    for body, source in ((b"a", "iss"), (b"a", "iss"), (b"b", "iss"), (b"a", "osdr")):
        await dead_letters.add_body(body, "why", source=source, provenance=provenance)
    found = [(letter["source"], letter["body"]) for letter in await letters(broker_client)]
    assert found == [(b"iss", b"a"), (b"iss", b"b"), (b"osdr", b"a")]


async def test_what_upstreams_send_displaces_only_its_like(
    publisher: Publisher, broker_client: Redis
) -> None:
    """Pages that are new at each poll take a bounded place, the oldest go; entries stay."""
    rejection = await rejection_of_one(publisher, broker_client)
    dead_letters = DeadLetters(broker_client)
    await dead_letters.divert([rejection], pending=list_of(broker_client), at="now")
    provenance = Provenance("mast", Origin.LIVE, START)
    await dead_letters.add_body(b"other", "why", source="osdr", provenance=provenance)
    for index in range(6):
        body = b"%d" % index + bytes(5 * 2**20)
        await dead_letters.add_body(body, "not JSON", source="jwst", provenance=provenance)
    found = [(letter.get("source"), letter["body"][:1]) for letter in await letters(broker_client)]
    assert found == [(None, b"b"), (b"osdr", b"o"), *((b"jwst", b"%d" % n) for n in (3, 4, 5))]
    for index in range(1_100):
        await dead_letters.add_body(b"%d" % index, "tiny", source="iss", provenance=provenance)
    tiny = [
        letter["body"] for letter in await letters(broker_client) if letter["reason"] == b"tiny"
    ]
    assert len(tiny) == 1_000
    assert (await letters(broker_client))[0]["body"] == rejection.entry.body


@pytest.mark.usefixtures("publisher")
async def test_letters_of_entries_have_an_end(broker_client: Redis) -> None:
    """Beyond 128 MiB the oldest go, whole, and what was removed by hand makes room."""
    dead_letters = DeadLetters(broker_client)

    async def divert(first: int, count: int) -> None:
        bodies = [b"%03d" % index + bytes(2**20) for index in range(first, first + count)]
        ids = [await broker_client.xadd(EVENTS_ISS.key, {"__data__": body}) for body in bodies]
        await leave_pending(broker_client, "c", count)
        await dead_letters.divert(
            [
                Rejection(Entry(EVENTS_ISS.key, text(entry_id), body), "why")
                for entry_id, body in zip(ids, bodies, strict=True)
            ],
            pending=list_of(broker_client),
            at="now",
        )
        await broker_client.xtrim(EVENTS_ISS.key, maxlen=0, approximate=False)

    async def numbers() -> list[int]:
        return [int(letter["body"][:3]) for letter in await letters(broker_client)]

    await divert(0, 60)
    await divert(60, 80)
    assert await numbers() == list(range(13, 140))
    newest: Any = await broker_client.xrevrange(EVENTS_DEAD.key, count=50)
    await dead_letters.remove([letter_id.decode() for letter_id, _ in newest], None)
    assert await numbers() == list(range(13, 90))
    await divert(140, 50)
    assert await numbers() == [*range(13, 90), *range(140, 190)]
