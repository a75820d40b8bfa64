"""The poller and its providers: whatever one of them does, the source goes on and says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from libs.common.breaker import BackOff
from libs.common.broker import Publisher, prepare_streams
from libs.common.clock import SystemClock
from libs.common.events import Origin
from libs.common.layout import UNDIVIDED
from libs.common.polling.fence import Fence
from libs.common.polling.lease import lease_key
from libs.common.polling.poller import Poller, PollOptions
from libs.common.polling.providers import Reading, Reject
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceRegistry, SourceStatus
from libs.common.secrets import Redactor
from libs.common.topology import EVENTS_DEAD, EVENTS_ISS
from tests.factories import elements_event
from tests.integration.consumers import letters
from tests.waiting import wait_until

NAME = "demo"
NO_BACK_OFF = BackOff(threshold=1_000, base_s=1, cap_s=1)


class Scripted:
    """A provider that does as it is told, and counts."""

    name = "scripted"
    origin = Origin.LIVE
    budget = None

    def __init__(self, poll: Callable[[int], Awaitable[Reading]]) -> None:
        self._poll = poll
        self.polls = 0

    async def poll(self) -> Reading:
        """Return what the script says for the poll of this number."""
        self.polls += 1
        return await self._poll(self.polls)


def options(
    every_s: float = 3_600, back_off: BackOff = NO_BACK_OFF, lease_life_s: float = 3
) -> PollOptions:
    """Return how the source is polled."""
    return PollOptions(
        source=NAME,
        every=timedelta(seconds=every_s),
        jitter=0,
        min_gap=timedelta(0),
        back_off=back_off,
        lease_life_s=lease_life_s,
        only_changes=True,
    )


@asynccontextmanager
async def polling(
    client: Redis, publisher: Publisher, provider: Scripted, chosen: PollOptions, owner: str = "a"
) -> AsyncIterator[Poller]:
    """Poll the source until the body ends."""
    stop = asyncio.Event()
    poller = Poller(
        chosen,
        [provider],
        publisher=publisher,
        owner=owner,
        clock=SystemClock(),
        fence=Fence(client, NAME),
        redact=Redactor(["correct-horse"]),
    )
    running = asyncio.create_task(poller.run(stop))
    try:
        yield poller
    finally:
        stop.set()
        await running


async def status(client: Redis) -> SourceStatus | None:
    """Return the status of the source."""
    return await SourceRegistry(client).load(NAME)


def lines(log: list[structlog.typing.EventDict], event: str) -> int:
    """Return how many lines tell of something."""
    return sum(line["event"] == event for line in log)


async def test_what_nobody_foresaw_is_a_failed_poll(
    broker_client: Redis, publisher: Publisher
) -> None:
    """A provider that raises anything fails, with one traceback; the poller goes on."""

    async def poll(number: int) -> Reading:
        if number <= 3:
            raise OverflowError("date out of range for correct-horse \ud800")
        return Reading([elements_event(0)])

    provider = Scripted(poll)
    with structlog.testing.capture_logs() as log:
        async with polling(broker_client, publisher, provider, options(every_s=0.2)):
            await wait_until(lambda: provider.polls >= 2, 10, "a second poll")
            failed = await status(broker_client)

            async def well() -> bool:
                found = await status(broker_client)
                return found is not None and found.state is SourceState.OK

            await wait_until(well, 10, "a good poll")
    assert failed is not None
    assert failed.state is SourceState.FAILING
    assert failed.reason == "scripted: an unexpected OverflowError: date out of range for ***"
    assert [lines(log, event) for event in ("provider_broken", "source_degraded")] == [1, 1]


async def test_the_reason_of_a_dead_letter_is_plain(
    broker_client: Redis, publisher: Publisher
) -> None:
    """What a normalizer said of a record is cleaned; the record stays as it came."""

    async def poll(_: int) -> Reading:
        return Reading([], [Reject(b"\xff", "got <b>\ud800correct-horse</b>\x1b")])

    async with polling(broker_client, publisher, Scripted(poll), options()):

        async def kept() -> bool:
            return bool(await letters(broker_client))

        await wait_until(kept, 10, "the letter")
    (letter,) = await letters(broker_client)
    assert (letter["body"], letter["reason"]) == (b"\xff", b"got ***")


async def refuse_events(client: Redis) -> None:
    """Make the broker refuse what is published, and nothing else."""
    await client.delete(EVENTS_ISS.key)
    await client.set(EVENTS_ISS.key, "no stream")


async def accept_events(client: Redis) -> None:
    """Make the broker well again."""
    await client.delete(EVENTS_ISS.key)
    await prepare_streams(client, UNDIVIDED)


async def stored(client: Redis) -> int:
    """Return how many events the stream holds."""
    return int(await client.xlen(EVENTS_ISS.key))


async def one_event(_: int) -> Reading:
    """Give the same event at each poll."""
    return Reading([elements_event(0)])


async def refused(client: Redis) -> bool:
    """Tell whether the status says that nothing can be published."""
    found = await status(client)
    return found is not None and (found.reason or "").startswith("not published yet: ")


async def test_what_the_broker_refuses_is_published_later(
    broker_client: Redis, publisher: Publisher
) -> None:
    """The upstream is asked once; its answer is kept and offered until the broker takes it."""
    await refuse_events(broker_client)
    provider = Scripted(one_event)
    with structlog.testing.capture_logs() as log:
        async with polling(broker_client, publisher, provider, options()):
            await wait_until(lambda: refused(broker_client), 10, "the refusal")
            told = await status(broker_client)
            await accept_events(broker_client)

            async def well() -> bool:
                found = await status(broker_client)
                return found is not None and found.state is SourceState.OK

            await wait_until(well, 10, "the publication")
    assert told is not None
    assert (told.state, told.content_time) == (SourceState.FAILING, None)
    assert (provider.polls, await stored(broker_client)) == (1, 1)
    warned = [line["event"] for line in log if line["log_level"] in ("warning", "error")]
    assert warned == ["publication_refused"]
    assert lines(log, "publication_accepted") == 1


async def test_whoever_leads_next_rests_too(broker_client: Redis, publisher: Publisher) -> None:
    """A leader that ends with an answer in its hands leaves it unpublished, and others waiting."""
    await refuse_events(broker_client)
    long_rest = options(back_off=BackOff(threshold=3, base_s=600, cap_s=600))
    first, second = Scripted(one_event), Scripted(one_event)
    async with polling(broker_client, publisher, first, long_rest):
        await wait_until(lambda: refused(broker_client), 10, "the refusal")
    await accept_events(broker_client)
    async with polling(broker_client, publisher, second, long_rest, "b"):
        await wait_until(lambda: led(broker_client), 10, "the second leader")
        found = await status(broker_client)
        assert found is not None
        assert found.next_poll > SystemClock().now() + timedelta(seconds=250)
        assert second.polls == 0
        # Nothing of it counts as published: the next poll, here before its time, brings it.
        await SourceRegistry(broker_client).save(
            found.model_copy(update={"next_poll": SystemClock().now()})
        )
    async with polling(broker_client, publisher, second, long_rest, "c"):

        async def there() -> bool:
            return await stored(broker_client) == 1

        await wait_until(there, 10, "the event")
    assert (first.polls, second.polls) == (1, 1)


async def test_a_broker_that_takes_no_writes_has_no_leader(
    broker_client: Redis, publisher: Publisher
) -> None:
    """A lease can still be renewed then, and a leader that went on would leave an old status."""

    async def poll(number: int) -> Reading:
        if number == 1:
            await broker_client.config_set("maxmemory", "1")
        return Reading([elements_event(0)])

    provider = Scripted(poll)

    async def given_up() -> bool:
        return provider.polls == 1 and not await led(broker_client)

    async def there() -> bool:
        return await stored(broker_client) == 1

    try:
        async with polling(broker_client, publisher, provider, options(lease_life_s=1)):
            await wait_until(given_up, 10, "the end of the lease")
            assert await status(broker_client) is None
            await broker_client.config_set("maxmemory", "1gb")
            await wait_until(there, 10, "the event")
    finally:
        await broker_client.config_set("maxmemory", "1gb")


async def test_a_broker_that_fails_before_the_call_is_no_reason_to_rest(
    broker_client: Redis, publisher: Publisher
) -> None:
    """As when the node with the budget is away: the upstream has not been asked."""

    async def poll(number: int) -> Reading:
        if number == 1:
            raise RedisConnectionError("the node is away")
        return Reading([elements_event(0)])

    async def there() -> bool:
        return await stored(broker_client) == 1

    long_rest = options(back_off=BackOff(threshold=3, base_s=600, cap_s=600), lease_life_s=1)
    async with polling(broker_client, publisher, Scripted(poll), long_rest):
        await wait_until(there, 10, "the event")


async def led(client: Redis) -> bool:
    """Tell whether somebody leads."""
    return await SourceRegistry(client).led([NAME]) == {NAME}


async def test_a_lost_lease_is_no_reason_to_ask_again(
    broker_client: Redis, publisher: Publisher
) -> None:
    """Who loses the lease with an answer in its hands waits before it asks again."""
    await refuse_events(broker_client)
    provider = Scripted(one_event)
    long_rest = options(back_off=BackOff(threshold=3, base_s=600, cap_s=600))
    with structlog.testing.capture_logs() as log:
        async with polling(broker_client, publisher, provider, long_rest):
            await wait_until(lambda: refused(broker_client), 10, "the refusal")
            # As if nobody had been able to write it.
            await broker_client.delete(f"cassiopeia:source:{{{NAME}}}:status")
            await broker_client.delete(lease_key(NAME))
            await wait_until(lambda: lines(log, "lease_lost") == 1, 10, "the loss")
            await wait_until(lambda: led(broker_client), 10, "the lease again")
    assert provider.polls == 1


async def test_letters_that_are_refused_are_no_reason_to_ask_again(
    broker_client: Redis, publisher: Publisher
) -> None:
    """Where the dead letters cannot be written, the upstream rests as well."""
    await broker_client.delete(EVENTS_DEAD.key)
    await broker_client.set(EVENTS_DEAD.key, "no stream")

    async def poll(_: int) -> Reading:
        return Reading([], [Reject(b"x", "y")])

    provider = Scripted(poll)
    long_rest = options(back_off=BackOff(threshold=3, base_s=600, cap_s=600), lease_life_s=0.3)
    fence = Fence(broker_client, NAME)
    async with polling(broker_client, publisher, provider, long_rest):

        async def led_often() -> bool:
            return int(await broker_client.get(fence.key) or 0) >= 2 and await led(broker_client)

        await wait_until(led_often, 10, "the lease again")
    assert provider.polls == 1
