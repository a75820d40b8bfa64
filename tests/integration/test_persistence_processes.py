"""Real processes of persistence: they wait, stop, die and come back, and no event is lost."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from libs.common.broker import Publisher, connect, create_broker, ensure_groups
from libs.common.topology import EVENTS_ISS
from tests.factories import position_event, position_events
from tests.integration.consumers import all_done, letters, pending
from tests.integration.storing import count
from tests.processes import ServiceProcess
from tests.servers import Servers, running_servers
from tests.waiting import wait_until

# What is promised for a stop.
STOP_S = 10

Make = Callable[..., ServiceProcess]


@pytest_asyncio.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Give a maker of processes, which are gone at the end."""
    made: list[ServiceProcess] = []

    def process(
        valkey_url: str, database_url: str, replica: int = 0, **settings: str
    ) -> ServiceProcess:
        made.append(
            ServiceProcess(
                "persistence",
                environment={
                    "CASSIOPEIA_REDIS_URL": valkey_url,
                    "CASSIOPEIA_DATABASE_URL": database_url,
                    **settings,
                },
                log=tmp_path / f"persistence-{replica}.log",
                replica=replica,
            )
        )
        return made[-1]

    yield process
    await asyncio.gather(*(each.kill() for each in made))


@pytest.fixture(scope="module")
def durable() -> Iterator[Servers]:
    """Servers that may be stopped and killed."""
    with running_servers(durable=True) as own:
        yield own


async def exit_code(process: ServiceProcess) -> int:
    """Return the exit code of a process that ends within the time that is promised."""
    async with asyncio.timeout(STOP_S):
        return await process.wait()


async def test_a_stop_under_load_loses_nothing(
    make: Make, publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """SIGTERM in the middle of a backlog ends it with 0 in time; the next start stores the rest."""
    total = 20_000
    await publisher.publish(position_events(total))
    process = make(valkey_url, database_url, CASSIOPEIA_BATCH_SIZE="50")
    await process.start()

    async def began() -> bool:
        return await count(database_url) > 0

    await wait_until(began, 20, "the first rows")
    async with asyncio.timeout(STOP_S):
        assert await process.stop() == 0
    stored = await count(database_url)
    assert 0 < stored < total
    await process.start()
    await wait_until(lambda: all_done(broker_client), 30, "an empty stream")
    assert await count(database_url) == total
    assert await letters(broker_client) == []
    assert await process.stop() == 0


async def test_a_flushed_broker_ends_the_process(
    make: Make, publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """When its group is gone the process ends with 1, and a restart stores what comes then."""
    process = make(valkey_url, database_url)
    await process.start_ready()
    await broker_client.flushall()
    async with asyncio.timeout(30):
        assert await process.wait() == 1
    await publisher.publish(position_events(3))
    await process.start_ready()
    await wait_until(lambda: all_done(broker_client), 20, "an empty stream")
    assert await count(database_url) == 3
    assert await process.stop() == 0


async def test_two_replicas_share_the_events(
    make: Make, publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """Two processes work on the same stream, and each event is a row once."""
    processes = [
        make(valkey_url, database_url, replica, CASSIOPEIA_BATCH_SIZE="50") for replica in range(2)
    ]
    await asyncio.gather(*(process.start_ready() for process in processes))
    for start in range(0, 4_000, 1_000):
        await publisher.publish(position_events(1_000, start=start))
    await wait_until(lambda: all_done(broker_client), 20, "an empty stream")
    assert await count(database_url) == 4_000
    assert [await process.stop() for process in processes] == [0, 0]


async def test_it_waits_for_its_servers(make: Make, durable: Servers) -> None:
    """Started before its servers it lives, not ready; when they come, it migrates and works."""
    name = durable.create_database(migrated=False)
    url = durable.database_url(name)
    await asyncio.to_thread(durable.valkey.stop)
    await asyncio.to_thread(durable.postgres.stop)
    process = make(durable.valkey_url, url)
    await process.start()
    await wait_until(process.is_live, 20, "the admin port")
    assert not await process.is_ready()
    await asyncio.to_thread(durable.valkey.start)
    await asyncio.to_thread(durable.postgres.start)
    await process.wait_until_ready()
    async with connect(durable.valkey_url, "test") as client:
        async with create_broker(durable.valkey_url, "test") as broker:
            await Publisher(broker, client).publish(position_events(3))
        await wait_until(lambda: all_done(client), 20, "an empty stream")
    assert await count(url) == 3
    assert await process.stop() == 0


@pytest.mark.parametrize("missing", ["valkey", "postgres"])
async def test_it_stops_while_a_server_is_away(make: Make, durable: Servers, missing: str) -> None:
    """A process that waits for a server in the middle of its work ends with 0 in time."""
    url = durable.database_url(durable.create_database())
    process = make(durable.valkey_url, url)
    await process.start_ready()
    server = getattr(durable, missing)
    async with connect(durable.valkey_url, "test") as client:
        await ensure_groups(client)
        await asyncio.to_thread(server.stop)
        try:
            if missing == "postgres":
                async with create_broker(durable.valkey_url, "test") as broker:
                    await Publisher(broker, client).publish(position_events(10))
            await wait_until(
                lambda: "_away" in process.last_lines() or "fetch error" in process.last_lines(),
                20,
                "the line that says what is away",
            )
            async with asyncio.timeout(STOP_S):
                assert await process.stop() == 0, process.last_lines()
        finally:
            await asyncio.to_thread(server.start)
        if missing == "postgres":
            await process.start()
            await wait_until(lambda: all_done(client), 20, "an empty stream")
            assert await count(url) == 10
            assert await process.stop() == 0


async def test_it_stops_while_the_database_hangs(make: Make, durable: Servers) -> None:
    """A database that neither answers nor hangs up holds up no stop, and no event is lost."""
    url = durable.database_url(durable.create_database())
    process = make(durable.valkey_url, url)
    async with (
        connect(durable.valkey_url, "test") as client,
        create_broker(durable.valkey_url, "test") as broker,
    ):
        await client.flushall()
        await process.start_ready()
        publisher = Publisher(broker, client)
        await publisher.publish([position_event(0)])
        await wait_until(lambda: all_done(client), 20, "an empty stream")
        with durable.postgres.frozen():
            await publisher.publish(position_events(5_000, start=1))
            await wait_until(lambda: pending(client), 20, "a batch in work")
            process.send_signal(signal.SIGTERM)
            assert await exit_code(process) == 0, process.last_lines()
        await process.start()
        await wait_until(lambda: all_done(client), 20, "an empty stream")
    assert await count(url) == 5_001
    assert await process.stop() == 0


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_restarts_of_everything_lose_nothing(make: Make, durable: Servers) -> None:
    """While events come, database, broker and one of two processes restart: rows = events."""
    url = durable.database_url(durable.create_database())
    processes = [
        make(
            durable.valkey_url,
            url,
            replica,
            CASSIOPEIA_BATCH_SIZE="100",
            CASSIOPEIA_RECLAIM_IDLE_SECONDS="2",
            CASSIOPEIA_RECLAIM_EVERY_SECONDS="0.5",
            CASSIOPEIA_MAX_DELIVERIES="100",
        )
        for replica in range(2)
    ]
    await asyncio.gather(*(process.start_ready() for process in processes))
    total, done = 0, asyncio.Event()

    async with (
        connect(durable.valkey_url, "test") as client,
        create_broker(durable.valkey_url, "test") as broker,
    ):
        publisher = Publisher(broker, client)

        async def publish() -> None:
            nonlocal total
            while not done.is_set():
                await publisher.publish(position_events(20, start=total))
                total += 20
                await asyncio.sleep(0.02)

        publishing = asyncio.create_task(publish())

        async def goes_on(rows: int) -> bool:
            return await count(url) > rows

        await wait_until(lambda: goes_on(100), 20, "rows before")
        await asyncio.to_thread(durable.postgres.restart)
        before = await count(url)
        await wait_until(lambda: goes_on(before + 500), 30, "rows after the database's restart")
        await processes[0].kill()
        await processes[0].start()
        done.set()
        await publishing
        # What the broker was given in its last second may go with it: nothing is published now.
        await client.waitaof(1, 0, 10_000)
        await asyncio.to_thread(durable.valkey.kill)
        await asyncio.to_thread(durable.valkey.start)
        await publisher.publish(position_events(100, start=total))
        total += 100
        await wait_until(lambda: all_done(client), 60, "an empty stream")
        assert await client.xlen(EVENTS_ISS.key) >= total
        assert await letters(client) == []
    assert await count(url) == total
    await asyncio.gather(*(process.wait_until_ready() for process in processes))
    assert [await process.stop() for process in processes] == [0, 0]
