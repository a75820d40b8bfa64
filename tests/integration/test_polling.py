"""The poller and its providers: whatever one of them does, the source goes on and says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from redis.asyncio import Redis

from libs.common.breaker import BackOff
from libs.common.broker import Publisher
from libs.common.clock import SystemClock
from libs.common.events import Origin
from libs.common.fence import Fence
from libs.common.polling import Poller, PollOptions
from libs.common.providers import Reading, Reject
from libs.common.secrets import Redactor
from libs.common.source_state import SourceState
from libs.common.sources import SourceRegistry, SourceStatus
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
