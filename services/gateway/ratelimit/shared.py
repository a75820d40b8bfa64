"""The buckets of all replicas, in the broker: one script, on the broker's clock."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.logging import get_logger
from libs.common.tasks import end_tasks
from services.gateway.ratelimit.bucket import Bucket
from services.gateway.ratelimit.scripts import CHECK, PRESENT

_log = get_logger(__name__)

# With one hash tag all buckets share a slot of a cluster, so that one script can take many.
KEY_PREFIX = "cassiopeia:{limits}:"
REPLICAS_KEY = KEY_PREFIX + "replicas"
# The script takes about 2 us per client, and the broker serves nothing else meanwhile.
MOST_CLIENTS = 500
# A replica that has been silent for this long counts as gone.
ALIVE_S = 5


@dataclass(slots=True)
class _Question:
    """What waits to be asked about one bucket."""

    bucket: Bucket
    given_back: int = 0
    wish: int = 0
    costs: list[int] = field(default_factory=list)
    waiting: list[asyncio.Future[bool | None]] = field(default_factory=list)


class SharedBuckets:
    """Asks the broker; questions that wait at the same moment travel in one call.

    Attributes:
        is_away: Whether the broker did not answer the last time.
        outages: How often it went away.
        replicas: How many replicas were alive when the broker last said.
    """

    def __init__(self, redis: Redis) -> None:
        self._check = redis.register_script(CHECK)
        self._present = redis.register_script(PRESENT)
        self._redis = redis
        self._questions: dict[str, _Question] = {}
        self._asking: asyncio.Task[None] | None = None
        self.is_away = False
        self.outages = 0
        self.replicas = 1

    def ask(self, bucket: Bucket, cost: int, now: float) -> asyncio.Future[bool | None]:
        """Return whether a request is admitted; None when the broker is away."""
        question = self._question(bucket)
        if not question.costs:
            question.wish = bucket.wish(now)
        bucket.asked_for(cost, now)
        answer: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
        question.costs.append(cost)
        question.waiting.append(answer)
        return answer

    def give_back(self, bucket: Bucket) -> None:
        """Put what was leased and not spent back into the bucket."""
        self._question(bucket)

    async def be_present(self, name: str) -> None:
        """Report this replica as alive, learn how many are, and notice when the broker is back."""
        try:
            count: Any = await self._present(keys=[REPLICAS_KEY], args=[name, ALIVE_S])
        except (RedisError, OSError) as error:
            self._lost(str(error))
            return
        self.replicas = max(1, int(count))
        if self.is_away:
            self.is_away = False
            _log.info("limits_shared_again", replicas=self.replicas)

    async def close(self, name: str) -> None:
        """Leave the other replicas, and close the connection to the broker."""
        if self._asking is not None:
            await end_tasks(self._asking)
        if not self.is_away:
            try:
                await self._redis.zrem(REPLICAS_KEY, name)
            except (RedisError, OSError) as error:
                self._lost(str(error))
        await self._redis.aclose()

    def _question(self, bucket: Bucket) -> _Question:
        question = self._questions.get(bucket.key)
        if question is None:
            question = self._questions[bucket.key] = _Question(bucket)
        question.given_back += bucket.take_back()
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_until_done())
        return question

    async def _ask_until_done(self) -> None:
        try:
            while self._questions:
                batch = [self._questions.popitem()[1] for _ in range(self._batch_length())]
                await self._ask(batch)
        finally:
            self._asking = None

    def _batch_length(self) -> int:
        return min(MOST_CLIENTS, len(self._questions))

    async def _ask(self, batch: list[_Question]) -> None:
        sent_at = time.monotonic()
        keys = [KEY_PREFIX + question.bucket.key for question in batch]
        args = [number for question in batch for number in self._arguments(question, sent_at)]
        outage = self.outages
        try:
            answers: Any = await self._check(keys=keys, args=args)
        except (RedisError, OSError) as error:
            self._lost(str(error))
            _leave_alone(batch)
            return
        except Exception:  # noqa: BLE001 - no request, waiting or later, may wait for ever
            _log.exception("limits_question_failed", clients=len(batch))
            _leave_alone(batch)
            return
        now = time.monotonic()
        for question, (ahead_us, leased, *admitted) in zip(batch, answers, strict=True):
            bucket = question.bucket
            bucket.full_at = now + ahead_us / 1_000_000
            bucket.leased += leased
            bucket.outage = outage
            _resolve(question, [bool(number) for number in admitted])

    def _arguments(self, question: _Question, now: float) -> list[float]:
        bucket = question.bucket
        quota = bucket.quota
        ahead_s = 0.0
        if bucket.outage != self.outages:
            # The broker may have forgotten this bucket, or not know what was spent here while it
            # was away: what this replica knows counts, if it is more.
            ahead_s = max(0.0, bucket.full_at - now)
        return [
            quota.interval_s * 1_000_000,
            quota.window_s * 1_000_000,
            question.given_back,
            ahead_s * 1_000_000,
            question.wish,
            len(question.costs),
            *question.costs,
        ]

    def _lost(self, reason: str) -> None:
        if not self.is_away:
            self.is_away = True
            self.outages += 1
            _log.warning("limits_local", reason=reason, replicas=self.replicas)


def _leave_alone(batch: list[_Question]) -> None:
    """Tell all requests that wait that the broker does not answer."""
    for question in batch:
        question.bucket.lease(question.given_back)
        _resolve(question, [None] * len(question.waiting))


def _resolve(question: _Question, answers: list[bool] | list[None]) -> None:
    for future, answer in zip(question.waiting, answers, strict=True):
        if not future.done():  # its client may have gone
            future.set_result(answer)
