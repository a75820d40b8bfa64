"""Trimming removes what is old and acknowledged, and nothing else."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.common.broker import connect, ensure_groups
from libs.common.broker.trimming import trim
from libs.common.topology import Stream

STREAM = Stream("test:trimmed", groups=("first", "second"), retention=timedelta(hours=1))
# Whole nodes of the broker's tree are removed: 100 entries each by default.
PER_NODE = 100


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    """A client on an empty server, with the stream's groups made."""
    client = connect(valkey_url, "test")
    await ensure_groups(client, [STREAM])
    yield client
    await client.aclose()


async def fill(redis: Redis, nodes: int, *, age: timedelta) -> list[str]:
    """Add entries of one age; return their ids."""
    seconds, _ = await redis.time()
    moment = int((seconds - age.total_seconds()) * 1_000)
    ids = [f"{moment}-{index + 1}" for index in range(nodes * PER_NODE)]
    pipeline = redis.pipeline(transaction=False)
    for entry_id in ids:
        pipeline.xadd(STREAM.key, {"n": "1"}, id=entry_id)
    await pipeline.execute()
    return ids


async def deliver(redis: Redis, group: str) -> list[Any]:
    """Give everything to a consumer of a group; return the ids."""
    answer: Any = await redis.xreadgroup(group, "consumer", {STREAM.key: ">"})
    return [entry_id for entry_id, _ in answer[0][1]]


async def acknowledge(redis: Redis, group: str) -> None:
    """Have a group read and acknowledge everything."""
    await redis.xack(STREAM.key, group, *await deliver(redis, group))


async def test_what_is_old_and_acknowledged_by_all_groups_goes(redis: Redis) -> None:
    """Only then, and the young entries stay."""
    await fill(redis, 3, age=timedelta(hours=2))
    young = await fill(redis, 1, age=timedelta(minutes=30))
    for group in STREAM.groups:
        await acknowledge(redis, group)
    assert await trim(redis, STREAM) == 3 * PER_NODE
    remaining: Any = await redis.xrange(STREAM.key)
    assert [entry_id.decode() for entry_id, _ in remaining] == young


async def test_what_one_group_has_not_read_stays(redis: Redis) -> None:
    """A consumer that was never started holds everything, however old."""
    await fill(redis, 3, age=timedelta(hours=2))
    await acknowledge(redis, "first")
    assert await trim(redis, STREAM) == 0


async def test_what_is_pending_stays_with_all_that_came_after_it(redis: Redis) -> None:
    """An entry that a dead consumer holds must still be there when it is taken over."""
    await fill(redis, 2, age=timedelta(hours=3))
    await fill(redis, 2, age=timedelta(hours=2))
    await acknowledge(redis, "first")
    delivered = await deliver(redis, "second")
    await redis.xack(STREAM.key, "second", *delivered[: 2 * PER_NODE + 10])
    assert await trim(redis, STREAM) == 2 * PER_NODE
    pending: Any = await redis.xpending(STREAM.key, "second")
    assert pending["pending"] == 2 * PER_NODE - 10
    assert await redis.xrange(STREAM.key, min=pending["min"], max=pending["min"])


async def test_a_group_that_is_missing_stops_the_trimming(redis: Redis) -> None:
    """After FLUSHALL or a mistake, nothing is thrown away before the group is back."""
    await fill(redis, 2, age=timedelta(hours=2))
    await acknowledge(redis, "first")
    await redis.xgroup_destroy(STREAM.key, "second")
    assert await trim(redis, STREAM) == 0


async def test_a_group_made_by_hand_counts_too(redis: Redis) -> None:
    """Somebody else's consumer loses nothing either."""
    await fill(redis, 2, age=timedelta(hours=2))
    await redis.xgroup_create(STREAM.key, "guest", id="0")
    for group in STREAM.groups:
        await acknowledge(redis, group)
    assert await trim(redis, STREAM) == 0


async def test_a_stream_that_is_not_there_needs_no_trimming(redis: Redis) -> None:
    """No error, and the stream is not made by looking at it."""
    assert await trim(redis, Stream("test:absent")) == 0
    assert not await redis.exists("test:absent")
