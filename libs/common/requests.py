"""Questions over the broker: one service asks, one replica of another computes and answers.

A question is an entry of a stream with a consumer group, so that exactly one replica takes it; the
reply goes to the channel that the question names (FastStream's request/reply). A question is
worthless once the asking side has stopped waiting. So questions are never redelivered, and an
expired one is not computed.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Generic, Self, TypeVar

from faststream.redis import RedisBroker, StreamSub
from faststream.redis.message import RedisStreamMessage
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from redis.exceptions import RedisError

from libs.common.broker import (
    READ_BLOCK_MS,
    TAKEN_WITHIN_S,
    answered_within,
)
from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.connecting import Connection
from libs.common.errors import CassiopeiaError, DependencyUnavailableError
from libs.common.events import reason_of
from libs.common.logging import get_logger
from libs.common.questions import Question
from libs.common.runtime import Runtime
from libs.common.topology import Stream

_log = get_logger(__name__)

WATCH_EVERY_S = 1.0


class ReplyStatus(StrEnum):
    """How a question was answered."""

    OK = "ok"
    INVALID = "invalid"
    """The question is invalid; asking again does not help."""
    BUSY = "busy"
    """Too many questions are waiting; ask again later."""
    TIMEOUT = "timeout"
    """The answer took longer than allowed."""
    UNAVAILABLE = "unavailable"
    """Something that the answer needs is not available."""
    FAILED = "failed"
    """A fault of ours; the log of the answering service has it."""


class RequestRefusedError(CassiopeiaError):
    """The answering service refused a question; `status` gives the kind, the message the reason."""

    def __init__(self, status: ReplyStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class RequestUnansweredError(CassiopeiaError):
    """Nobody answered in time: the answering service does not run, or is far behind."""


class TimeIsUpError(CassiopeiaError):
    """A computation was asked to end before it was done."""


_Q = TypeVar("_Q", bound=Question)
_A = TypeVar("_A", bound=BaseModel)
_R = TypeVar("_R")


class Reply(BaseModel, Generic[_A]):
    """The message that is sent back: the answer under `data`, or the reason why there is none."""

    model_config = ConfigDict(frozen=True)

    status: ReplyStatus
    reason: str | None = None
    data: _A | None = None


Check = Callable[[], None]
"""A long computation calls it again and again; it raises `TimeIsUpError` when it is to end."""


async def ask(
    broker: RedisBroker,
    stream: Stream,
    question: Question,
    answer: type[_A],
    *,
    timeout_s: float,
    clock: Clock = SYSTEM_CLOCK,
) -> _A:
    """Ask, and wait for the answer.

    Raises:
        RequestRefusedError: It was refused; the status says whether asking again helps.
        RequestUnansweredError: There was no reply within `timeout_s`.
        DependencyUnavailableError: The broker did not take the question, or hangs.
    """
    expires_at = clock.now() + timedelta(seconds=timeout_s)
    body = question.model_copy(update={"expires_at": expires_at}).model_dump_json().encode()
    try:
        # First check that the stream's node answers: a caller that can answer without the broker
        # must not wait for a broker that hangs for as long as it would for a reply.
        client = await broker.connect()
        await answered_within(TAKEN_WITHIN_S, client.exists(stream.key))
        # FastStream's timeout is for the reply alone: it begins when the broker has the question.
        asking = broker.request(
            body, stream=stream.key, maxlen=stream.max_entries, timeout=timeout_s
        )
        message = await answered_within(timeout_s + TAKEN_WITHIN_S, asking)
    except TimeoutError:
        raise RequestUnansweredError(
            f"nobody answered {stream.key} within {timeout_s:g} s: is {stream.groups[0]} running?"
        ) from None
    except RedisError as error:
        raise DependencyUnavailableError(f"the broker did not take a question: {error}") from error
    replies: TypeAdapter[Reply[_A]] = TypeAdapter(Reply[answer])  # type: ignore[valid-type]
    reply = replies.validate_json(message.body)
    if reply.data is None:
        raise RequestRefusedError(reply.status, reply.reason or reply.status)
    return reply.data


class Worker:
    """A thread in which a process computes, so that its event loop keeps turning."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="compute")
        self._stopping = threading.Event()

    async def run(self, limit_s: float, work: Callable[[Check], _R]) -> _R:
        """Compute in the thread; `work` is given the check that it must call now and then.

        Raises:
            TimeIsUpError: It took longer than `limit_s`, or the process is stopping.
        """
        began: list[float] = []

        def check() -> None:
            if self._stopping.is_set():
                raise TimeIsUpError("the service is stopping")
            if time.monotonic() - began[0] > limit_s:
                raise TimeIsUpError(f"the computation takes longer than {limit_s:g} s")

        def timed() -> _R:
            began.append(time.monotonic())
            check()
            return work(check)

        return await asyncio.get_running_loop().run_in_executor(self._pool, timed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Make the present computation end at its next check, and start no other."""
        self._stopping.set()
        self._pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Desk(Generic[_Q, _A]):
    """Where one kind of question is answered.

    Attributes:
        stream: Where the questions come from; its first group is the answering service.
        question: The model of the questions.
        respond: Makes the answer; an error that it raises becomes a refusal.
        limit_s: How long an answer may take.
        waiting: How many questions may wait; further ones are refused as `busy`.
    """

    stream: Stream
    question: type[_Q]
    respond: Callable[[_Q], Awaitable[_A]]
    limit_s: float = 10.0
    waiting: int = 8


@dataclass(frozen=True, slots=True)
class _Letter:
    """A question as it came, and the channel for the reply."""

    body: bytes
    reply_to: str


class _Counter(Generic[_Q, _A]):
    """One desk at work: takes questions in, answers them one after another."""

    def __init__(self, desk: Desk[_Q, _A], broker: RedisBroker, clock: Clock) -> None:
        self._desk = desk
        self._broker = broker
        self._clock = clock
        self._queue: asyncio.Queue[tuple[_Q, str]] = asyncio.Queue(desk.waiting)
        self._subscriber: Any = None

    async def open(self, consumer: str) -> None:
        """Begin to take questions; the broker must not be started after this, but before."""
        stream = self._desk.stream
        self._subscriber = self._broker.subscriber(
            stream=StreamSub(
                stream.key,
                group=stream.groups[0],
                consumer=consumer,
                # Nothing becomes pending: a question is worthless the second time.
                no_ack=True,
                polling_interval=READ_BLOCK_MS,
                max_records=100,
            ),
            decoder=_to_letter,
            # The reply is sent from the queue; FastStream itself would send an empty one at once.
            no_reply=True,
        )
        self._subscriber(self._take)
        await self._subscriber.start()

    async def close(self) -> None:
        """Take no more questions."""
        await self._subscriber.stop()

    async def _take(self, letter: Any) -> None:  # noqa: ANN401 - FastStream must not cast it
        """Put a question into the queue, or refuse it at once; never wait."""
        try:
            question = self._desk.question.model_validate_json(letter.body)
        except ValidationError as error:
            await self._reply(letter.reply_to, _refusal(ReplyStatus.INVALID, reason_of(error)))
            return
        try:
            self._queue.put_nowait((question, letter.reply_to))
        except asyncio.QueueFull:
            reason = f"{self._desk.waiting} questions are waiting already: ask again later"
            await self._reply(letter.reply_to, _refusal(ReplyStatus.BUSY, reason))

    async def answer_forever(self) -> None:
        """Answer what is in the queue, again and again."""
        while True:
            question, reply_to = await self._queue.get()
            if question.expires_at is None or question.expires_at > self._clock.now():
                await self._reply(reply_to, await self._answer(question))

    async def watch_forever(self) -> None:
        """Raise when FastStream has given up the subscription, as after its group was deleted.

        Raises:
            DependencyUnavailableError: Only a restart of the process makes it read again.
        """
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            if not self._subscriber.running:
                raise DependencyUnavailableError(
                    f"the subscription to {self._desk.stream.key} has ended"
                )

    async def _answer(self, question: _Q) -> Reply[Any]:
        began = time.monotonic()
        reply = await self._answer_or_refuse(question)
        _log.debug(
            "question",
            stream=self._desk.stream.key,
            status=reply.status,
            duration_s=round(time.monotonic() - began, 3),
        )
        return reply

    async def _answer_or_refuse(self, question: _Q) -> Reply[Any]:
        limit_s = self._desk.limit_s
        try:
            async with asyncio.timeout(limit_s):
                answer = await self._desk.respond(question)
        except (TimeoutError, TimeIsUpError):
            return _refusal(ReplyStatus.TIMEOUT, f"the answer takes longer than {limit_s:g} s")
        except (CassiopeiaError, RedisError) as error:
            return _refusal(ReplyStatus.UNAVAILABLE, str(error))
        except ValueError as error:
            return _refusal(ReplyStatus.INVALID, str(error))
        except Exception:  # noqa: BLE001 - one question must not end the service
            _log.exception("question_failed", stream=self._desk.stream.key)
            return _refusal(ReplyStatus.FAILED, "a fault of the answering service; see its log")
        return Reply[Any](status=ReplyStatus.OK, data=answer)

    async def _reply(self, reply_to: str, reply: Reply[Any]) -> None:
        if not reply_to:
            return
        # If the broker is away, the asking side runs into its own timeout.
        with suppress(RedisError):
            body = reply.model_dump_json(exclude_none=True).encode()
            await self._broker.publish(body, channel=reply_to)


@asynccontextmanager
async def answering(
    connection: Connection,
    runtime: Runtime,
    desks: Iterable[Desk[Any, Any]],
    clock: Clock = SYSTEM_CLOCK,
) -> AsyncIterator[None]:
    """Answer questions while the body runs; those that are left at the end stay unanswered.

    Args:
        connection: Where they are asked.
        runtime: Its tasks end the process when they end.
        desks: Who answers.
        clock: In place of the machine's.
    """
    counters = [_Counter(desk, connection.broker, clock) for desk in desks]
    for counter in counters:
        await counter.open(connection.name)
    tasks = [
        runtime.spawn("answers", work)
        for counter in counters
        for work in (counter.answer_forever(), counter.watch_forever())
    ]
    try:
        yield
    finally:
        await runtime.finish(*tasks)
        # The connection may serve others for a while: questions are left to other replicas.
        for counter in counters:
            await counter.close()


def _refusal(status: ReplyStatus, reason: str) -> Reply[Any]:
    return Reply[Any](status=status, reason=reason)


async def _to_letter(message: RedisStreamMessage) -> _Letter:
    return _Letter(bytes(message.body), message.reply_to)
