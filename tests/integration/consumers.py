"""A consumer with a handler that a test can watch and steer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from libs.common.broker import connect, create_broker
from libs.common.consuming.pending import Entry
from libs.common.consuming.stream_consumer import ConsumerOptions, StreamConsumer
from libs.common.dead_letters import Rejection
from libs.common.tasks import end_tasks
from libs.common.topology import EVENTS_DEAD, EVENTS_ISS, PERSISTENCE

QUICK = ConsumerOptions(reclaim_idle_s=0.05, reclaim_every_s=0.05)
"""Entries that are pending for a moment are taken over."""
SLOW = ConsumerOptions(reclaim_idle_s=3_600, reclaim_every_s=3_600)
"""Nothing is taken over while a test lasts."""


class Handler:
    """Takes entries, except those that it is told to reject, when it is not told to fail.

    Args:
        rejects: Says what it rejects.
        fails_on: Says what makes it fail, and with it the batch.
    """

    def __init__(
        self,
        *,
        rejects: Callable[[Entry], bool] = lambda _: False,
        fails_on: Callable[[Entry], bool] = lambda _: False,
    ) -> None:
        self.rejects = rejects
        self._fails_on = fails_on
        self.fails = False
        self.error: Exception = RuntimeError("the handler fails")
        self.gate = asyncio.Event()
        self.gate.set()
        self.calls = 0
        self.taken: list[Entry] = []

    async def __call__(self, entries: Sequence[Entry]) -> Sequence[Rejection]:
        """Handle a batch, as soon as the gate is open."""
        self.calls += 1
        await self.gate.wait()
        if self.fails or any(map(self._fails_on, entries)):
            raise self.error
        rejected = [Rejection(entry, "not wanted") for entry in entries if self.rejects(entry)]
        dead = {rejection.entry.id for rejection in rejected}
        self.taken += [entry for entry in entries if entry.id not in dead]
        return rejected

    @property
    def bodies(self) -> list[bytes]:
        """The bodies taken so far."""
        return [entry.body for entry in self.taken]


@asynccontextmanager
async def consuming(
    url: str,
    handler: Handler,
    options: ConsumerOptions = SLOW,
    *,
    name: str = "consumer-0",
    turn: asyncio.Lock | None = None,
) -> AsyncIterator[StreamConsumer]:
    """Run a consumer of the positions as persistence does."""
    stop = asyncio.Event()
    async with connect(url, name) as redis, create_broker(url, name) as broker:
        consumer = StreamConsumer(
            redis=redis,
            stream=EVENTS_ISS.key,
            group=PERSISTENCE,
            consumer=name,
            handler=handler,
            options=options,
            turn=turn,
            stop=stop,
        )
        await consumer.prepare()
        consumer.subscribe(broker)
        await broker.start()
        recovering = asyncio.create_task(consumer.recover_forever())
        try:
            yield consumer
        finally:
            # What waits at the gate would make the stop wait, too.
            handler.gate.set()
            stop.set()
            await end_tasks(recovering)


async def leave_pending(client: Redis, consumer: str = "consumer-dead", count: int = 100) -> None:
    """Read entries as a consumer that dies before it acknowledges them."""
    await client.xreadgroup(PERSISTENCE, consumer, {EVENTS_ISS.key: ">"}, count=count)


async def notes(client: Redis) -> dict[str, int]:
    """Return the entries that are noted as alone in work, with the processes that died of them."""
    found: Any = await client.hgetall(f"{EVENTS_ISS.key}:{PERSISTENCE}:alone")
    return {entry_id.decode(): int(times) - 1 for entry_id, times in found.items()}


async def pending(client: Redis) -> int:
    """Return how many entries are delivered and not acknowledged."""
    summary: Any = await client.xpending(EVENTS_ISS.key, PERSISTENCE)
    return int(summary["pending"])


async def entry_ids(client: Redis) -> list[str]:
    """Return the ids of the stream's entries, oldest first."""
    found: Any = await client.xrange(EVENTS_ISS.key)
    return [entry_id.decode() for entry_id, _ in found]


async def all_done(client: Redis) -> bool:
    """Tell whether every entry was given to a consumer and acknowledged."""
    groups: Any = await client.xinfo_groups(EVENTS_ISS.key)
    return all(group["lag"] == 0 and group["pending"] == 0 for group in groups)


async def command(client: Redis, *words: str) -> None:
    """Send a command that the client has no method for."""
    execute: Any = client.execute_command
    await execute(*words)


async def letters(client: Redis) -> list[dict[str, bytes]]:
    """Return the fields of all dead letters, oldest first."""
    found: Any = await client.xrange(EVENTS_DEAD.key)
    return [{name.decode(): value for name, value in fields.items()} for _, fields in found]
