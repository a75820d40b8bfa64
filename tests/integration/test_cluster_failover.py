"""A primary is killed under load and its replica takes over: the suite goes on, nothing is lost."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest
from redis.exceptions import RedisError

from libs.common.broker import Publisher, connect, create_broker
from libs.common.errors import DependencyUnavailableError
from libs.common.topology import EVENTS_ISS
from tests.cluster import Nodes, running_cluster, running_sentinels
from tests.factories import position_events
from tests.gateways import Gateway, running_gateway
from tests.integration.consumers import all_done, letters
from tests.integration.storing import count, query
from tests.processes import ServiceProcess
from tests.waiting import wait_until

# At 20 events every 20 ms, some seconds before, during and after the failover.
ROUND = 20
ROUND_PAUSE_S = 0.02

Running = Callable[[], AbstractContextManager[Nodes]]


class Producer:
    """Publishes positions without end, each again until it is accepted."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.accepted: set[UUID] = set()
        self.refusals = 0
        self.enough = asyncio.Event()

    async def run(self) -> None:
        """Publish until it is enough."""
        start = 0
        while not self.enough.is_set():
            events = position_events(ROUND, start=start)
            try:
                await self._publisher.publish(events)
            except DependencyUnavailableError:
                self.refusals += 1
                await asyncio.sleep(0.1)
                continue
            self.accepted |= {event.id for event in events}
            start += ROUND
            await asyncio.sleep(ROUND_PAUSE_S)


@asynccontextmanager
async def producing(url: str) -> AsyncIterator[Producer]:
    """Run a producer for as long as the body runs."""
    async with connect(url, "producer") as redis, create_broker(url, "producer") as broker:
        producer = Producer(Publisher(broker, redis))
        running = asyncio.create_task(producer.run())
        try:
            yield producer
        finally:
            producer.enough.set()
            await running


async def listen(gateway: Gateway, seen: set[UUID]) -> None:
    """Collect the ids of the positions on the gateway's live stream."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with gateway.http.get("/api/v1/events", timeout=timeout) as response:
        async for line in response.content:
            name, _, value = line.decode().partition(": ")
            if name == "data":
                seen.add(UUID(json.loads(value)["id"]))


@asynccontextmanager
async def persistence(
    url: str, database_url: str, folder: Path
) -> AsyncIterator[list[ServiceProcess]]:
    """Run two replicas of persistence that take over what is pending within two seconds."""
    environment = {
        "CASSIOPEIA_REDIS_URL": url,
        "CASSIOPEIA_DATABASE_URL": database_url,
        "CASSIOPEIA_RECLAIM_IDLE_SECONDS": "2",
        "CASSIOPEIA_RECLAIM_EVERY_SECONDS": "0.5",
    }
    replicas = [
        ServiceProcess(
            "persistence",
            environment=environment,
            log=folder / f"persistence-{replica}.log",
            replica=replica,
        )
        for replica in range(2)
    ]
    try:
        await asyncio.gather(*(each.start_ready() for each in replicas))
        yield replicas
    finally:
        await asyncio.gather(*(each.kill() for each in replicas))


def send(processes: Sequence[ServiceProcess], number: signal.Signals) -> None:
    """Send a signal to processes that run."""
    for process in processes:
        assert process.pid is not None
        os.kill(process.pid, number)


@pytest.mark.slow
@pytest.mark.parametrize(
    "running", [running_cluster, running_sentinels], ids=["cluster", "sentinel"]
)
async def test_a_killed_primary_loses_and_doubles_nothing(
    running: Running, database_url: str, tmp_path: Path
) -> None:
    """Every accepted event is one row and was live once the stream's node is killed with -9.

    Nobody restarts: publisher, two replicas of persistence and the gateway find the new primary.
    """
    seen: set[UUID] = set()
    async with AsyncExitStack() as stack:
        nodes = stack.enter_context(running())
        replicas = await stack.enter_async_context(persistence(nodes.url, database_url, tmp_path))
        gateway = await stack.enter_async_context(
            running_gateway(nodes.url, database_url, live_queue_length=100_000)
        )
        listening = asyncio.create_task(listen(gateway, seen))
        client = await stack.enter_async_context(connect(nodes.url, "test"))

        async def goes_on(rows: int) -> bool:
            return await count(database_url) >= rows

        async with producing(nodes.url) as producer:
            await wait_until(lambda: goes_on(500), 20, "rows before the kill")
            # From here on only the broker has the events.
            send(replicas, signal.SIGSTOP)
            accepted = len(producer.accepted)
            await wait_until(
                lambda: len(producer.accepted) > accepted + 200, 20, "events that nobody reads"
            )
            killed = nodes.primary_of(EVENTS_ISS.key)
            heir = nodes.replica_of(killed)
            nodes.kill(killed)
            send(replicas, signal.SIGCONT)
            await wait_until(lambda: nodes.role(heir) == "master", 20, "the replica's promotion")
            accepted = len(producer.accepted)
            await wait_until(
                lambda: len(producer.accepted) > accepted + 500, 20, "events after the promotion"
            )

        async def done() -> bool:
            try:
                return await all_done(client)
            except RedisError:
                return False

        await wait_until(done, 30, "an empty stream")
        rows = await query(database_url, "SELECT id FROM iss_positions")
        assert producer.accepted - {event for (event,) in rows} == set()
        assert len(rows) == len({event for (event,) in rows})
        await wait_until(lambda: producer.accepted <= seen, 10, "all events on the live stream")
        assert await letters(client) == []
        assert [await each.stop() for each in replicas] == [0, 0], replicas[0].last_lines()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
