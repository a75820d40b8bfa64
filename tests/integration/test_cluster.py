"""Everything that the suite keeps in the broker, kept in a cluster or behind sentinels instead."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from libs.common.broker import (
    Publisher,
    StreamReader,
    connect,
    create_broker,
    ensure_groups,
    wait_for_broker,
)
from libs.common.broker.memory import broker_memory
from libs.common.clock import SystemClock
from libs.common.connecting import connected
from libs.common.consuming.pending import Entry, PendingList
from libs.common.dead_letters import DeadLetters, Rejection
from libs.common.errors import BudgetExhaustedError, DependencyUnavailableError, LeaseLostError
from libs.common.polling.budget import Budget, Limit
from libs.common.polling.fence import Fence
from libs.common.polling.lease import Lease
from libs.common.polling.published import Published, forget_published
from libs.common.questions import Answer, Question
from libs.common.requests import Desk, answering, ask
from libs.common.runtime import Runtime
from libs.common.settings import ServiceSettings
from libs.common.tasks import end_tasks
from libs.common.topology import (
    COMMANDS_ISS_TRACK,
    EVENT_STREAMS,
    EVENTS_DEAD,
    EVENTS_ISS,
    EVENTS_OSDR,
    PERSISTENCE,
)
from tests.cluster import Nodes, ValkeyCluster, running_cluster, running_sentinels
from tests.factories import altered, position_event, position_events
from tests.integration.consumers import (
    QUICK,
    Handler,
    all_done,
    consuming,
    entry_ids,
    leave_pending,
    letters,
    pending,
)
from tests.waiting import wait_until

# Both have one node that holds it and one that follows that.
HELD = EVENTS_ISS.key


@pytest.fixture(scope="module")
def cluster() -> Iterator[ValkeyCluster]:
    """Six nodes, of which every test leaves all running."""
    with running_cluster() as nodes:
        yield nodes


@pytest.fixture(scope="module", params=["cluster", "sentinel"])
def nodes(request: pytest.FixtureRequest) -> Iterator[Nodes]:
    """A cluster, then sentinels."""
    if request.param == "cluster":
        yield request.getfixturevalue("cluster")
        return
    with running_sentinels() as made:
        yield made


@asynccontextmanager
async def emptied(nodes: Nodes) -> AsyncIterator[Redis]:
    """Give a client of nodes that hold nothing but the groups."""
    async with connect(nodes.url, "test") as client:
        await wait_for_broker(client)
        await client.flushall()
        await ensure_groups(client)
        yield client


@pytest_asyncio.fixture
async def client(nodes: Nodes) -> AsyncIterator[Redis]:
    """A client of nodes without data."""
    async with emptied(nodes) as made:
        yield made


@pytest_asyncio.fixture
async def publisher(nodes: Nodes, client: Redis) -> AsyncIterator[Publisher]:
    """A publisher to them."""
    async with create_broker(nodes.url, "test") as broker:
        yield Publisher(broker, client)


async def bodies(client: Redis, key: str = HELD) -> list[bytes]:
    """Return the bodies of a stream's entries."""
    entries: Any = await client.xrange(key)
    return [fields[b"__data__"] for _, fields in entries]


@asynccontextmanager
async def stopped(nodes: Nodes, port: int) -> AsyncIterator[None]:
    """Keep a node from doing anything, without ending it, while the body runs."""
    process = psutil.Process(nodes.processes[port].pid)
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


async def test_events_are_published_in_order(publisher: Publisher, client: Redis) -> None:
    """Several round trips of events arrive whole, in the order given."""
    events = position_events(1_203)
    await publisher.publish(events)
    assert await bodies(client) == [event.encode() for event in events]


async def test_sources_on_all_nodes_forget_what_they_published(client: Redis) -> None:
    """Wherever a source's keys are, all of them go that say what it has published."""
    events = position_events(50)
    sources = [f"source{number}" for number in range(9)]
    for source in sources:
        await Published(client, source).save(events, Fence(client, source))
    assert await forget_published(client, SystemClock()) == sources
    for source in sources:
        assert await Published(client, source).changed(events) == events


async def test_a_consumer_takes_each_and_diverts_what_is_bad(
    nodes: Nodes, publisher: Publisher, client: Redis
) -> None:
    """Reading by a group, taking over, dead letters and acknowledgement work as on one server."""
    bad = altered(position_event(), data__latitude_deg=91)
    await publisher.publish(position_events(50))
    await publisher.publish_bodies(EVENTS_ISS, [bad])
    await client.xreadgroup("persistence", "dead", {HELD: ">"}, count=20)
    handler = Handler(rejects=lambda entry: entry.body == bad)
    async with consuming(nodes.url, handler, QUICK):
        await wait_until(lambda: all_done(client), 20, "an empty stream")
    assert sorted(handler.bodies) == sorted(event.encode() for event in position_events(50))
    assert [letter["body"] for letter in await letters(client)] == [bad]


async def test_several_streams_are_read_at_once(publisher: Publisher, client: Redis) -> None:
    """A reader gets what comes in one stream while the others are quiet, each entry once."""
    reader = StreamReader(client, count=10)
    positions = {stream.key: "0-0" for stream in EVENT_STREAMS}
    found: list[tuple[str, bytes]] = []

    async def read() -> None:
        while len(found) < 40:
            for name, page in await reader.read(positions):
                key = name.decode()
                positions[key] = page[-1][0].decode()
                found.extend((key, fields[b"__data__"]) for _, fields in page)

    reading = asyncio.create_task(read())
    for start in range(0, 20, 5):
        await publisher.publish(position_events(5, start=start))
        await publisher.publish_bodies(EVENTS_OSDR, [f"{start + n}".encode() for n in range(5)])
    async with asyncio.timeout(20):
        await reading
    for key in (EVENTS_ISS.key, EVENTS_OSDR.key):
        assert [body for name, body in found if name == key] == await bodies(client, key)

    def left() -> list[str]:
        names = [task.get_name() for task in asyncio.all_tasks()]
        return [name for name in names if name.startswith("read ")]

    endless = asyncio.create_task(reader.read(positions))
    await asyncio.sleep(0)
    await end_tasks(endless)
    await wait_until(lambda: not left(), 10, "a reader that is cancelled leaves no read behind")


async def test_leases_and_budgets_hold(client: Redis) -> None:
    """What their scripts touch is on one node: one holder, and no call too many."""
    fences = [Fence(client, "iss") for _ in range(2)]
    leases = [
        Lease(client, owner="any", life_s=30, clock=SystemClock(), fence=fence) for fence in fences
    ]
    assert [await lease.acquire() for lease in leases] == [True, False]
    key = "cassiopeia:source:{iss}:last"
    await fences[0].write([("HSET", key, "a", "1"), ("SET", f"{key}:2", "2")])
    with pytest.raises(LeaseLostError):
        await fences[1].write([("DEL", key)])
    budget = Budget(client, upstream="nasa", limits=[Limit(2, 60)])
    await budget.take()
    await budget.take()
    with pytest.raises(BudgetExhaustedError):
        await budget.take()
    other = Budget(client, upstream="mast", limits=[Limit(2, 60)])
    await other.block(30)
    with pytest.raises(BudgetExhaustedError):
        await other.take()


class Sum(Question):
    """What is the sum?"""

    numbers: list[int]


class Total(Answer):
    """It is this."""

    total: int


async def test_the_fullest_node_is_what_counts(publisher: Publisher, client: Redis) -> None:
    """The alarm looks at the memory of the node that is nearest to its end."""
    await publisher.publish(position_events(5_000))
    memory = await broker_memory(client, 1_000_000_000)
    assert memory.used > sum(map(len, await bodies(client)))


async def test_questions_are_answered(nodes: Nodes, client: Redis) -> None:
    """A question finds a service and the answer its asker, whichever nodes they talk to."""
    del client

    async def add(question: Sum) -> Total:
        return Total(total=sum(question.numbers))

    runtime = Runtime()
    settings = ServiceSettings(redis_url=nodes.url)
    async with (
        connected("ingest_iss", settings, runtime) as connection,
        answering(connection, runtime, [Desk(COMMANDS_ISS_TRACK, Sum, add)]),
        create_broker(nodes.url, "asker") as broker,
    ):
        answers = await asyncio.gather(
            *(
                ask(broker, COMMANDS_ISS_TRACK, Sum(numbers=[n, n]), Total, timeout_s=10)
                for n in range(6)
            )
        )
        runtime.stop.set()
    await runtime.finish()
    assert [answer.total for answer in answers] == [0, 2, 4, 6, 8, 10]


async def test_what_no_replica_has_is_not_accepted(
    nodes: Nodes, publisher: Publisher, client: Redis
) -> None:
    """While its replica stands still a node's copy is the only one, and the publisher knows."""
    async with stopped(nodes, nodes.replica_of(nodes.primary_of(HELD))):
        bodies_of_three = [event.encode() for event in position_events(3)]
        with pytest.raises(DependencyUnavailableError, match="0 of 1 replicas confirmed"):
            await publisher.publish_bodies(EVENTS_ISS, bodies_of_three)
    await publisher.publish(position_events(3))
    assert set(await bodies(client)) == set(bodies_of_three)


async def test_a_letter_that_no_replica_has_keeps_its_entry(
    nodes: Nodes, publisher: Publisher, client: Redis
) -> None:
    """An entry is acknowledged when its letter would survive the node, and has one all the same."""
    await publisher.publish(position_events(1))
    await leave_pending(client, "one")
    (entry_id,) = await entry_ids(client)
    rejection = Rejection(Entry(HELD, entry_id, b"body"), "not wanted")
    list_of_one = PendingList(client, stream=HELD, group=PERSISTENCE, consumer="one")
    letters_of_ours = DeadLetters(client)

    async def divert() -> None:
        await letters_of_ours.divert([rejection], pending=list_of_one, at="now")

    async with stopped(nodes, nodes.replica_of(nodes.primary_of(EVENTS_DEAD.key))):
        with pytest.raises(DependencyUnavailableError, match="0 of 1 replicas confirmed"):
            await divert()
        assert await pending(client) == 1
    await divert()
    assert await pending(client) == 0
    assert [letter["body"] for letter in await letters(client)] == [b"body"]


@pytest.mark.slow
async def test_a_primary_may_be_replaced(nodes: Nodes, publisher: Publisher, client: Redis) -> None:
    """What a node accepted until the moment in which its replica replaced it, the replica has."""
    old = nodes.primary_of(HELD)
    heir = nodes.replica_of(old)
    accepted: list[bytes] = []

    async def publish() -> None:
        event = position_event(len(accepted))
        with contextlib.suppress(DependencyUnavailableError):
            await publisher.publish([event])
            accepted.append(event.encode())

    for _ in range(20):
        await publish()
    nodes.hand_over(old)
    while nodes.role(heir) != "master" or nodes.role(old) != "slave":
        await publish()
        assert len(accepted) < 100_000
    await wait_until(lambda: nodes.has_replica(heir), 20, "the new one is followed")
    await publish()
    assert set(accepted) <= set(await bodies(client))
    handler = Handler()
    async with consuming(nodes.url, handler, QUICK):
        await wait_until(lambda: set(accepted) <= set(handler.bodies), 20, "all events")
    assert await letters(client) == []


async def test_transactions_are_one_step(cluster: ValkeyCluster) -> None:
    """A transaction in a cluster is done whole, answers as on one server, or raises."""
    async with emptied(cluster) as client:
        pipeline = client.pipeline(transaction=True)
        pipeline.rpush("{queue}:a", "one", "two")
        pipeline.set("{queue}:b", "three")
        pipeline.lrange("{queue}:a", 0, -1)
        assert await pipeline.execute() == [2, b"OK", [b"one", b"two"]]
        wrong = client.pipeline(transaction=True)
        wrong.set("{queue}:b", "four")
        wrong.execute_command("NO-SUCH-COMMAND", "{queue}:b")
        with pytest.raises(ResponseError, match="unknown command"):
            await wrong.execute()
        assert await client.get("{queue}:b") == b"three"
        assert await client.pipeline(transaction=True).execute() == []


async def test_a_node_that_lost_its_replica_accepts_alone(cluster_to_break: ValkeyCluster) -> None:
    """There is nobody to wait for: events are accepted, as one server accepts them."""
    port = cluster_to_break.primary_of(HELD)
    async with (
        emptied(cluster_to_break) as client,
        create_broker(cluster_to_break.url, "test") as broker,
    ):
        publisher = Publisher(broker, client)
        await publisher.publish(position_events(1))
        cluster_to_break.kill(cluster_to_break.replica_of(port))
        await wait_until(lambda: not cluster_to_break.has_replica(port), 10, "it is alone")
        for index in range(1, 4):
            await publisher.publish([position_event(index)])
        assert len(await bodies(client)) >= 4


@pytest.fixture
def cluster_to_break() -> Iterator[ValkeyCluster]:
    """Six nodes for one test."""
    with running_cluster() as nodes:
        yield nodes
