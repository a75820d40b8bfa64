"""The rate limit over a real broker: exact over replicas, bounded without it."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from libs.common.broker import connect
from services.gateway.ratelimit import Limiter, Quota, Verdict
from services.gateway.ratelimit.bucket import Bucket
from services.gateway.ratelimit.shared import KEY_PREFIX, SharedBuckets
from tests.servers import Servers
from tests.waiting import wait_until

# One token a minute: while a test runs, none flows in.
STILL = Quota(per_minute=1, burst=40)
_keys = (f"client:{number}" for number in itertools.count())
on_real_servers = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@asynccontextmanager
async def limiters(url: str, count: int) -> AsyncIterator[list[Limiter]]:
    """Run that many replicas' limiters."""
    async with AsyncExitStack() as stack:
        found = []
        for number in range(count):
            limiter = Limiter(connect(url, f"limits-{number}", patient=False))
            stack.push_async_callback(limiter.close)
            found.append(limiter)
        # Twice, so that the first has heard of the last.
        for limiter in found * 2:
            await limiter.open()
        yield found


async def judged(limiter: Limiter, key: str, quota: Quota, cost: int = 1) -> Verdict:
    """Return what a limiter says of a request."""
    return limiter.decide(key, quota, cost) or await limiter.ask(key, quota, cost)


def is_admitted(verdict: Verdict) -> bool:
    """Whether a verdict lets a request pass."""
    return verdict.retry_in_s == 0


class Model:
    """The textbook's bucket: tokens as a number, time in tokens that flow in."""

    def __init__(self, burst: int) -> None:
        self._burst = burst
        self._tokens = float(burst)

    def wait(self, intervals: float) -> None:
        """Let tokens flow in."""
        self._tokens = min(self._burst, self._tokens + intervals)

    def spend(self, cost: int) -> bool:
        """Spend tokens, if there are enough."""
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True


async def wait_intervals(redis: Redis, key: str, intervals: float) -> None:
    """Move a bucket's number back, which is the same to it as time that has passed."""
    stored = await redis.get(KEY_PREFIX + key)
    if stored is not None:
        moved = float(stored) - intervals * STILL.interval_s * 1_000_000
        await redis.set(KEY_PREFIX + key, f"{moved:.17g}", keepttl=True)


@on_real_servers
@given(
    steps=st.lists(
        st.one_of(
            st.integers(min_value=1, max_value=12),
            st.sampled_from([0.25, 0.5, 1.0, 2.5, 7.0, 50.0]),
        ),
        max_size=40,
    )
)
def test_the_script_decides_like_the_textbook(valkey_url: str, steps: list[int | float]) -> None:
    """Whatever is spent and however long is waited in between."""
    key = next(_keys)

    async def play() -> None:
        redis = connect(valkey_url, "test", patient=False)
        shared, model = SharedBuckets(redis), Model(STILL.burst)
        for step in steps:
            if isinstance(step, float):
                await wait_intervals(redis, key, step)
                model.wait(step)
            else:
                # A bucket that knows nothing: the broker alone decides.
                answer = await shared.ask(Bucket(key, STILL), step, time.monotonic())
                assert answer is model.spend(step)
        await shared.close("test")

    asyncio.run(play())


@on_real_servers
@given(
    requests=st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 5), st.booleans()), min_size=30, max_size=120
    )
)
def test_replicas_together_spend_exactly_the_burst(
    valkey_url: str, requests: list[tuple[int, int, bool]]
) -> None:
    """No token is made or lost by leases, by checks at the same moment, by refusals from memory."""
    key = next(_keys)

    async def play() -> None:
        async with limiters(valkey_url, 3) as replicas:
            spent = 0
            waiting: list[tuple[int, asyncio.Task[Verdict]]] = []
            for replica, cost, together in requests:
                task = asyncio.create_task(judged(replicas[replica], key, STILL, cost))
                waiting.append((cost, task))
                if not together:
                    for price, each in waiting:
                        spent += price if is_admitted(await each) else 0
                    waiting.clear()
            for price, each in waiting:
                spent += price if is_admitted(await each) else 0
            assert spent <= STILL.burst
            for limiter in replicas:
                limiter._give_back(time.monotonic() + 1)  # noqa: SLF001 - as after a quiet second
            fresh = SharedBuckets(connect(valkey_url, "test", patient=False))
            left = 0
            while await fresh.ask(Bucket(key, STILL), 1, time.monotonic()):
                left += 1
            await fresh.close("test")
            assert spent + left == STILL.burst

    asyncio.run(play())


async def test_the_flow_is_the_quota(valkey_url: str) -> None:
    """Of a client that asks all the time: the burst, then a token per interval."""
    quota = Quota(per_minute=6_000, burst=20)
    async with limiters(valkey_url, 2) as replicas:
        began, before, admitted = time.monotonic(), 0.0, 0
        for replica in itertools.cycle(replicas):
            before = time.monotonic() - began
            if before > 1:
                break
            admitted += is_admitted(await judged(replica, "flow", quota))
            await asyncio.sleep(0)
        after = time.monotonic() - began
    assert quota.burst + before / quota.interval_s - 3 <= admitted
    assert admitted <= quota.burst + after / quota.interval_s + 1


async def test_a_refused_client_costs_the_broker_nothing(valkey_url: str) -> None:
    """Until its time has come, it is refused from memory; a cheaper request may still pass."""
    async with limiters(valkey_url, 1) as [limiter]:
        assert is_admitted(await judged(limiter, "c", STILL, 38))
        assert not is_admitted(await judged(limiter, "c", STILL, 5))
        verdict = limiter.decide("c", STILL, 5)
        assert verdict is not None
        assert 100 < verdict.retry_in_s <= 3 * 60
        assert is_admitted(await judged(limiter, "c", STILL, 2))


async def test_a_busy_client_far_from_its_limit_is_served_from_leases(valkey_url: str) -> None:
    """Most of its requests need no question, and what is left tells the truth."""
    quota = Quota(per_minute=1, burst=100_000)
    async with limiters(valkey_url, 1) as [limiter]:
        asked = 0
        for spent in range(1, 1_001):
            verdict = limiter.decide("busy", quota, 1)
            if verdict is None:
                asked += 1
                verdict = await limiter.ask("busy", quota, 1)
            assert verdict.remaining == quota.burst - spent
    assert asked < 50


async def test_idle_leases_go_back(valkey_url: str) -> None:
    """Another replica may spend, a second later, what one had taken in advance."""
    async with limiters(valkey_url, 2) as [one, other]:
        keeping = asyncio.create_task(one.keep_forever())
        for _ in range(20):
            assert is_admitted(await judged(one, "idle", STILL))
        await wait_until(lambda: _remaining(other, 20), 5, "all that was not spent is there again")
        keeping.cancel()


async def _remaining(limiter: Limiter, count: int) -> bool:
    """Whether exactly so many tokens are left; asks for more than there are, which spends none."""
    verdict = await limiter.ask("idle", STILL, STILL.burst + 1)
    return verdict.remaining == count


async def test_keys_expire_when_they_say_nothing(valkey_url: str) -> None:
    """A full bucket is no key at all."""
    quota = Quota(per_minute=600, burst=10)
    async with limiters(valkey_url, 1) as [limiter], connect(valkey_url, "test") as redis:
        await judged(limiter, "short", quota, 10)
        assert 0 < await redis.pttl(KEY_PREFIX + "short") <= 1_001
        await wait_until(lambda: _gone(redis, "short"), 5, "the key has expired")


async def _gone(redis: Redis, key: str) -> bool:
    return not await redis.exists(KEY_PREFIX + key)


async def test_memory_is_bounded(valkey_url: str) -> None:
    """Whoever was not heard of for longest is forgotten here; the broker still knows."""
    redis = connect(valkey_url, "test", patient=False)
    limiter = Limiter(redis, most_buckets=10)
    for number in range(50):
        assert is_admitted(await judged(limiter, f"client-{number}", STILL, STILL.burst))
    assert len(limiter._buckets) == 10  # noqa: SLF001 - nothing else shows it
    assert not is_admitted(await judged(limiter, "client-0", STILL))
    await limiter.close()


@pytest.fixture
def broken_valkey(servers: Servers, valkey_url: str) -> Iterator[str]:
    """A broker that a test may kill."""
    yield valkey_url
    servers.valkey.close()
    servers.valkey.start()


async def test_without_the_broker_each_replica_allows_its_share(
    broken_valkey: str, servers: Servers
) -> None:
    """A client at its limit stays there, a new one gets the burst, and it heals by itself."""
    quota = Quota(per_minute=1, burst=30)
    async with limiters(broken_valkey, 3) as replicas:
        keeping = [asyncio.create_task(replica.keep_forever()) for replica in replicas]
        for replica in replicas:
            # Each has heard of the other two, and that the client has spent all.
            await judged(replica, "spent", quota, 10)
        for replica in replicas:
            assert not is_admitted(await judged(replica, "spent", quota))
        servers.valkey.kill()
        spent = [is_admitted(await judged(replica, "spent", quota)) for replica in replicas]
        assert not any(spent)
        fresh = [
            is_admitted(await judged(replica, "fresh", quota))
            for replica in replicas
            for _ in range(20)
        ]
        assert sum(fresh) == quota.burst
        # It comes back and has forgotten everything.
        servers.valkey.start()
        await wait_until(
            # A client that nobody knows: only the broker can say.
            lambda: all(replica.decide(next(_keys), quota, 1) is None for replica in replicas),
            10,
            "the replicas have found the broker again",
        )
        for client in ("spent", "fresh"):
            after = [is_admitted(await judged(replica, client, quota)) for replica in replicas]
            assert not any(after)
        for task in keeping:
            task.cancel()


async def test_a_question_that_cannot_be_asked_leaves_nobody_waiting(valkey_url: str) -> None:
    """A key that has no bytes is a fault of ours; who comes later is judged by the broker again."""
    async with limiters(valkey_url, 1) as [limiter], asyncio.timeout(10):
        assert is_admitted(await limiter.ask("\udc80", STILL, 1))
        key = next(_keys)
        assert is_admitted(await limiter.ask(key, STILL, STILL.burst))
        assert not is_admitted(await limiter.ask(key, STILL, 1))


def test_no_client_is_told_of_more_than_its_bucket_holds() -> None:
    """Behind an old lease the bucket fills again."""
    bucket = Bucket("key", STILL)
    bucket.lease(5)
    assert bucket.verdict(now=10 * STILL.window_s).remaining == STILL.burst
