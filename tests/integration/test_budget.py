"""The budget of an upstream: never more calls than its limits, whoever asks and whenever."""

import asyncio
import math
import time
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from libs.common import metrics
from libs.common.broker import connect
from libs.common.errors import BudgetExhaustedError
from libs.common.polling.budget import Budget, Limit
from tests.waiting import wait_until


def budget(client: Redis, *limits: Limit, upstream: str = "demo") -> Budget:
    """Return the budget of an upstream with these limits."""
    return Budget(client, upstream=upstream, limits=limits)


async def refusal(taker: Budget) -> BudgetExhaustedError:
    """Return how the next call is refused."""
    with pytest.raises(BudgetExhaustedError) as caught:
        await taker.take()
    return caught.value


async def recorded(client: Redis, upstream: str = "demo") -> dict[bytes, float]:
    """Return the calls that count at present: when, in milliseconds by the broker's clock."""
    key = f"cassiopeia:upstream:{{{upstream}}}:calls"
    found: Any = await client.zrange(key, 0, -1, withscores=True)
    return dict(found)


def largest_in_a_window(times: Collection[float], window_ms: float) -> int:
    """Return the largest number of times in any half-open window."""
    return max(sum(start <= at < start + window_ms for at in times) for start in times)


async def test_the_limit_is_the_limit(broker_client: Redis) -> None:
    """As many calls as allowed are granted, and the next is refused with the time to wait."""
    taker = budget(broker_client, Limit(calls=3, period_s=60))
    left = []
    for _ in range(3):
        await taker.take()
        left.append(taker.left)
    assert left == [2, 1, 0]
    refused = await refusal(taker)
    assert 50 < refused.wait_s <= 60
    assert "the limit of demo is used up" in str(refused)
    assert taker.left == 0


async def test_many_takers_get_the_limit_together(broker_client: Redis, valkey_url: str) -> None:
    """Concurrent takers of several clients are granted exactly the limit."""
    async with connect(valkey_url, "other") as other:
        takers = [
            budget(client, Limit(calls=10, period_s=60)) for client in (broker_client, other) * 20
        ]
        results = await asyncio.gather(*(taker.take() for taker in takers), return_exceptions=True)
    assert results.count(None) == 10
    assert all(isinstance(found, BudgetExhaustedError) for found in results if found)


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.builds(Limit, calls=st.integers(1, 4), period_s=st.sampled_from([0.05, 0.1, 0.2])),
        min_size=1,
        max_size=3,
    )
)
async def test_no_window_ever_has_more_calls_than_its_limit(
    broker_client: Redis, limits: list[Limit]
) -> None:
    """Takers that ask as fast as they can never get more than any limit allows in any window."""
    upstream = str(time.monotonic_ns())
    takers = [budget(broker_client, *limits, upstream=upstream) for _ in range(4)]
    granted, waits = 0, [1.0]
    seen: dict[bytes, float] = {}
    end = time.monotonic() + 0.4

    async def greedy(taker: Budget) -> None:
        nonlocal granted
        while time.monotonic() < end:
            try:
                await taker.take()
            except BudgetExhaustedError as error:
                waits.append(error.wait_s)
            else:
                granted += 1
                # A record lasts for the longest period, which is longer than this round trip.
                seen.update(await recorded(broker_client, upstream))

    await asyncio.gather(*(greedy(taker) for taker in takers))
    assert len(seen) == granted > 0
    assert min(waits) > 0
    for limit in limits:
        assert largest_in_a_window(seen.values(), limit.period_s * 1_000) <= limit.calls


async def test_the_time_to_wait_is_the_truth(broker_client: Redis) -> None:
    """A call after exactly the time that the refusal named is granted."""
    taker = budget(broker_client, Limit(calls=1, period_s=0.5))
    await taker.take()
    for _ in range(3):
        await asyncio.sleep((await refusal(taker)).wait_s)
        await taker.take()


@pytest.mark.parametrize("order", [1, -1], ids=["short first", "long first"])
async def test_the_narrowest_limit_counts(broker_client: Redis, order: int) -> None:
    """Each limit holds, the longest wait is told, and what is left is that of the longest."""
    limits = [Limit(calls=2, period_s=1), Limit(calls=2, period_s=60), Limit(calls=5, period_s=90)]
    taker = budget(broker_client, *limits[::order])
    await taker.take()
    assert taker.left == 4
    await taker.take()
    assert (await refusal(taker)).wait_s > 50


async def test_a_refused_call_costs_nothing(broker_client: Redis) -> None:
    """Asking again and again does not move the moment when the next call is allowed."""
    taker = budget(broker_client, Limit(calls=1, period_s=0.3))
    await taker.take()
    before = await recorded(broker_client)
    for _ in range(20):
        await refusal(taker)
    assert await recorded(broker_client) == before


async def test_a_restart_does_not_forget(broker_client: Redis, valkey_url: str) -> None:
    """A new process with a new connection has what the last one left, and no more."""
    await budget(broker_client, Limit(calls=1, period_s=60)).take()
    async with connect(valkey_url, "restarted") as client:
        await refusal(budget(client, Limit(calls=1, period_s=60)))


async def test_a_block_holds_for_everybody(broker_client: Redis, valkey_url: str) -> None:
    """When an upstream asked to wait, no process calls it for that long; others are unharmed."""
    taker = budget(broker_client, Limit(calls=100, period_s=60))
    await taker.block(30)
    assert taker.left == 0
    async with connect(valkey_url, "other") as other:
        refused = await refusal(budget(other, Limit(calls=100, period_s=60)))
        assert 25 < refused.wait_s <= 30
        await budget(other, Limit(calls=1, period_s=60), upstream="unharmed").take()


async def test_a_short_block_does_not_end_a_long_one(broker_client: Redis) -> None:
    """Of two wishes to wait, the later end counts."""
    taker = budget(broker_client, Limit(calls=100, period_s=60))
    await taker.block(3_600)
    await taker.block(30)
    assert (await refusal(taker)).wait_s > 3_000


async def test_a_block_ends(broker_client: Redis) -> None:
    """After the time that was asked for, calls are granted again."""
    taker = budget(broker_client, Limit(calls=1, period_s=60))
    await taker.block(0.1)
    await refusal(taker)

    async def granted() -> bool:
        try:
            await taker.take()
        except BudgetExhaustedError:
            return False
        return True

    await wait_until(granted, 5, "a granted call")


async def test_the_metric_shows_what_is_left(broker_client: Redis) -> None:
    """The gauge follows every call, granted or refused."""

    def left() -> float | None:
        return metrics.REGISTRY.get_sample_value(
            "cassiopeia_upstream_calls_left", {"upstream": "demo"}
        )

    taker = budget(broker_client, Limit(calls=2, period_s=60))
    await taker.take()
    assert left() == 1
    await taker.take()
    await refusal(taker)
    assert left() == 0


@pytest.mark.parametrize(
    ("asked_s", "wait_s"),
    [(1e12, 86_400), (1e308, 86_400), (math.inf, 86_400), (math.nan, 30), (-5, 0.001)],
)
async def test_an_absurd_block_is_bounded(
    broker_client: Redis, asked_s: float, wait_s: float
) -> None:
    """An upstream is left alone for a day at most, whatever it asks for."""
    taker = budget(broker_client, Limit(calls=3, period_s=60))
    await taker.block(asked_s)
    life_ms = await broker_client.pttl("cassiopeia:upstream:{demo}:blocked")
    assert life_ms <= wait_s * 1_000
    assert life_ms > wait_s * 1_000 - 10_000 or wait_s < 1


async def test_a_block_that_grew_is_shortened(broker_client: Redis) -> None:
    """A broker's clock that is set back makes a block longer; it is over within a day."""
    taker = budget(broker_client, Limit(calls=3, period_s=60))
    await broker_client.set("cassiopeia:upstream:{demo}:blocked", "1", px=10**12)
    assert (await refusal(taker)).wait_s == 86_400
    assert await broker_client.pttl("cassiopeia:upstream:{demo}:blocked") <= 86_400_000


async def test_calls_of_the_future_are_calls_of_now(broker_client: Redis) -> None:
    """After the broker's clock was set back they count for their period, and not until then."""
    seconds, _ = await broker_client.time()
    calls = {f"{number}": (seconds + 3_600 + number) * 1_000 for number in range(2)}
    await broker_client.zadd("cassiopeia:upstream:{demo}:calls", calls)
    taker = budget(broker_client, Limit(calls=2, period_s=60))
    assert (await refusal(taker)).wait_s <= 60
    latest = (await broker_client.time())[0] * 1_000 + 1_000
    assert max((await recorded(broker_client)).values()) <= latest
