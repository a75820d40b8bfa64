"""Questions over the broker: answers, refusals, limits, and a service that lives meanwhile."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from faststream.redis import RedisBroker
from pydantic import BaseModel

from libs.common.broker import connect, create_broker
from libs.common.connecting import connected
from libs.common.errors import DependencyUnavailableError
from libs.common.questions import Question
from libs.common.requests import (
    Check,
    Desk,
    ReplyStatus,
    RequestRefusedError,
    RequestUnansweredError,
    Worker,
    answering,
    ask,
)
from libs.common.runtime import Runtime
from libs.common.settings import ServiceSettings
from libs.common.topology import COMMANDS_ASTRO_EVENTS
from tests.servers import Servers
from tests.waiting import wait_until

STREAM = COMMANDS_ASTRO_EVENTS
PATIENCE_S = 10.0


class Sum(Question):
    """How much is it?"""

    numbers: list[int]


class Total(BaseModel):
    """So much."""

    total: int


class Clerk:
    """Adds numbers in the worker's thread; can be held back, and can stumble."""

    def __init__(self, worker: Worker, *, limit_s: float, waiting: int) -> None:
        self.worker = worker
        self.limit_s = limit_s
        self.waiting = waiting
        self.go = threading.Event()
        self.go.set()
        self.begun = 0
        self.error: Exception | None = None

    def desks(self) -> Sequence[Desk[Any, Any]]:
        """Return the one desk."""
        return [Desk(STREAM, Sum, self.add, limit_s=self.limit_s, waiting=self.waiting)]

    async def add(self, question: Sum) -> Total:
        """Answer."""
        if self.error:
            raise self.error

        def work(check: Check) -> Total:
            self.begun += 1
            while not self.go.wait(0.001):
                check()
            return Total(total=sum(question.numbers))

        return await self.worker.run(self.limit_s, work)


@asynccontextmanager
async def clerk_at_work(
    url: str, *, limit_s: float = 20.0, waiting: int = 8, replica: str = "0"
) -> AsyncIterator[tuple[Clerk, Runtime]]:
    """Run an answering service."""
    runtime = Runtime()
    settings = ServiceSettings(redis_url=url, replica=replica)
    with Worker() as worker:
        clerk = Clerk(worker, limit_s=limit_s, waiting=waiting)
        async with (
            connected("clerk", settings, runtime) as connection,
            answering(connection, runtime, clerk.desks()),
        ):
            runtime.started()
            try:
                yield clerk, runtime
            finally:
                runtime.stop.set()
    await runtime.finish()


@pytest.fixture
async def broker(valkey_url: str) -> AsyncIterator[RedisBroker]:
    """A broker to ask over."""
    made = create_broker(valkey_url, "asker")
    async with made:
        yield made


async def total(broker: RedisBroker, *numbers: int, timeout_s: float = PATIENCE_S) -> int:
    """Ask for a sum."""
    answer = await ask(broker, STREAM, Sum(numbers=list(numbers)), Total, timeout_s=timeout_s)
    return answer.total


async def test_a_question_is_answered(valkey_url: str, broker: RedisBroker) -> None:
    """And the next one, and many at once, each asker getting its own answer."""
    async with clerk_at_work(valkey_url):
        assert await total(broker, 1, 2, 3) == 6
        assert await asyncio.gather(*(total(broker, n, n) for n in range(8))) == [
            2 * n for n in range(8)
        ]


async def test_one_replica_answers(valkey_url: str, broker: RedisBroker) -> None:
    """Two share the questions; none is computed twice."""
    async with (
        clerk_at_work(valkey_url, replica="0") as (one, _),
        clerk_at_work(valkey_url, replica="1") as (two, _),
    ):
        for n in range(20):
            assert await total(broker, n) == n
    assert one.begun + two.begun == 20


async def test_nobody_answers(broker: RedisBroker) -> None:
    """The asker is told which service is missing, after its own patience."""
    with pytest.raises(RequestUnansweredError, match="is ingest_astro running"):
        await total(broker, 1, timeout_s=0.3)


async def test_a_broker_that_hangs_takes_no_question(servers: Servers, broker: RedisBroker) -> None:
    """That is known in less time than a client of the broker would try."""
    with servers.valkey.frozen():
        async with asyncio.timeout(15):
            with pytest.raises(DependencyUnavailableError):
                await total(broker, 1)


async def test_a_question_whose_asker_is_gone_is_not_computed(
    valkey_url: str, broker: RedisBroker
) -> None:
    """What was asked before the service started, and given up since, is passed over."""
    with pytest.raises(RequestUnansweredError):
        await total(broker, 1, timeout_s=0.1)
    async with clerk_at_work(valkey_url) as (clerk, _):
        assert await total(broker, 5) == 5
        assert clerk.begun == 1


async def test_beyond_the_queue_it_is_busy(valkey_url: str, broker: RedisBroker) -> None:
    """One is computed, two wait, the fourth is refused at once and the three are answered."""
    async with clerk_at_work(valkey_url, waiting=2) as (clerk, _):
        clerk.go.clear()
        first = asyncio.create_task(total(broker, 1))
        await wait_until(lambda: clerk.begun == 1, PATIENCE_S, "the first is computed")
        others = [asyncio.create_task(total(broker, n)) for n in (2, 3, 4)]
        refused = await wait_until(
            lambda: [task for task in others if task.done()], PATIENCE_S, "one is refused"
        )
        with pytest.raises(RequestRefusedError) as caught:
            await refused[0]
        assert caught.value.status is ReplyStatus.BUSY
        clerk.go.set()
        waited = [task for task in others if task is not refused[0]]
        assert await first == 1
        assert len(await asyncio.gather(*waited)) == 2


async def test_the_loop_keeps_turning_while_it_computes(
    valkey_url: str, broker: RedisBroker
) -> None:
    """Other work of the process goes on, many times, before the answer is there."""
    async with clerk_at_work(valkey_url) as (clerk, _):
        clerk.go.clear()
        asked = asyncio.create_task(total(broker, 7))
        await wait_until(lambda: clerk.begun == 1, PATIENCE_S, "the computation")
        for _ in range(100):
            await asyncio.sleep(0.001)
        assert not asked.done()
        clerk.go.set()
        assert await asked == 7


async def test_a_computation_that_takes_too_long_is_ended(
    valkey_url: str, broker: RedisBroker
) -> None:
    """The asker learns of the limit, the thread is free for the next question."""
    async with clerk_at_work(valkey_url, limit_s=0.2) as (clerk, _):
        clerk.go.clear()
        with pytest.raises(RequestRefusedError, match=r"longer than 0.2 s") as caught:
            await total(broker, 1)
        assert caught.value.status is ReplyStatus.TIMEOUT
        clerk.go.set()
        assert await total(broker, 2) == 2


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ValueError("numbers: too small"), ReplyStatus.INVALID, "too small"),
        (DependencyUnavailableError("no elements"), ReplyStatus.UNAVAILABLE, "no elements"),
        (ZeroDivisionError("a secret"), ReplyStatus.FAILED, "fault of the answering service"),
    ],
)
async def test_errors_are_answers(
    valkey_url: str, broker: RedisBroker, error: Exception, status: ReplyStatus, words: str
) -> None:
    """Each kind of error has a status; the service goes on."""
    async with clerk_at_work(valkey_url) as (clerk, _):
        clerk.error = error
        with pytest.raises(RequestRefusedError, match=words) as caught:
            await total(broker, 1)
        assert caught.value.status is status
        assert "secret" not in str(caught.value)
        clerk.error = None
        assert await total(broker, 1) == 1


class Nonsense(Question):
    """A question of another model."""

    numbers: str = "many"


@pytest.mark.parametrize("body", [b"", b"[]", b"\x00\xff", b'{"numbers": "many"}'])
async def test_what_is_no_question_is_refused_or_passed_over(
    valkey_url: str, broker: RedisBroker, body: bytes
) -> None:
    """The reason names the field; an entry without a reply address disturbs nobody."""
    async with clerk_at_work(valkey_url), connect(valkey_url, "test") as redis:
        await redis.xadd(STREAM.key, {b"__data__": body})
        await redis.xadd(STREAM.key, {b"something": body})
        with pytest.raises(RequestRefusedError, match="numbers") as caught:
            await ask(broker, STREAM, Nonsense(), Total, timeout_s=PATIENCE_S)
        assert caught.value.status is ReplyStatus.INVALID
        assert await total(broker, 4) == 4


async def test_nothing_stays_pending(valkey_url: str, broker: RedisBroker) -> None:
    """Questions are taken without acknowledgement: none is ever delivered again."""
    async with clerk_at_work(valkey_url), connect(valkey_url, "test") as redis:
        assert await total(broker, 1) == 1
        groups: Any = await redis.xinfo_groups(STREAM.key)
        assert [group["pending"] for group in groups] == [0]


async def test_stopping_ends_a_computation(valkey_url: str, broker: RedisBroker) -> None:
    """The thread ends at its next check: a stop does not wait for an answer."""
    async with clerk_at_work(valkey_url) as (clerk, _):
        clerk.go.clear()
        asked = asyncio.create_task(total(broker, 1, timeout_s=0.5))
        await wait_until(lambda: clerk.begun == 1, PATIENCE_S, "the computation")
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("compute")]
    await wait_until(
        lambda: not any(thread.is_alive() for thread in threads), PATIENCE_S, "the thread's end"
    )
    with pytest.raises(RequestUnansweredError):
        await asked


async def test_who_stops_answering_leaves_the_questions_to_others(
    valkey_url: str, broker: RedisBroker
) -> None:
    """Also while it still has its connection, because a poll of the same service is not over."""
    settings = ServiceSettings(redis_url=valkey_url, replica="stopping")
    runtime = Runtime()
    async with connected("clerk", settings, runtime) as connection:
        with Worker() as worker:
            clerk = Clerk(worker, limit_s=PATIENCE_S, waiting=8)
            async with answering(connection, runtime, clerk.desks()):
                assert await total(broker, 1) == 1
        async with clerk_at_work(valkey_url):
            totals = await asyncio.gather(*(total(broker, n) for n in range(8)))
        assert totals == list(range(8))
    assert runtime.failure is None


async def test_a_lost_group_ends_the_service(valkey_url: str) -> None:
    """A supervisor restarts it, and the group is made anew."""
    async with clerk_at_work(valkey_url) as (_, runtime), connect(valkey_url, "test") as redis:
        await redis.xgroup_destroy(STREAM.key, STREAM.groups[0])
        await wait_until(lambda: runtime.failure, 30.0, "the failure")
        assert isinstance(runtime.failure, DependencyUnavailableError)


def test_expiry_is_set_by_the_asker() -> None:
    """A question that carries none never expires."""
    assert Sum(numbers=[]).expires_at is None
    assert Sum(numbers=[], expires_at=datetime.now(UTC) + timedelta(seconds=1)).expires_at
