"""What persistence takes on: little while it is quiet, a bounded lot when the database is slow."""

from typing import Any

import psycopg
import pytest
from psycopg import sql
from redis.asyncio import Redis

from libs.common import metrics
from libs.common.broker import Publisher
from libs.common.topology import EVENT_STREAMS, EVENTS_ISS, PERSISTENCE, Stream
from services.persistence.settings import PersistenceSettings
from services.persistence.tables import TABLE_OF
from tests.catalogue import apod_event, dataset_event, image_event, sky_event
from tests.factories import position_event, position_events
from tests.integration.consumers import all_done, letters, pending
from tests.integration.storing import count, query, storing
from tests.waiting import wait_until

BATCH = 50
# What bootstrap has in work at once.
READERS = 2
# The positions are a few hundred bytes, and 64 KiB would be all that is read of an answer.
MOST_BYTES = {"iss": 128 * 2**20}


def _batches() -> tuple[float, float]:
    """Return how many batches there were, and how many entries in them."""
    labels = {"stream": EVENTS_ISS.key, "group": PERSISTENCE}
    counts = [
        metrics.REGISTRY.get_sample_value(f"cassiopeia_stream_batch_entries_{name}", labels)
        for name in ("count", "sum")
    ]
    return counts[0] or 0.0, counts[1] or 0.0


async def test_a_slow_database_holds_back_the_reading(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """While no batch comes through, what is not in work stays in the stream, however much it is."""
    # There before anything reads: the first batches are whole ones.
    await publisher.publish(position_events(40 * BATCH))
    async with await psycopg.AsyncConnection.connect(database_url) as slow:
        await slow.execute("LOCK TABLE iss_positions IN SHARE MODE")
        async with storing(valkey_url, database_url, batch_size=BATCH, reclaim_every_seconds=0.1):
            try:
                await wait_until(lambda: _taken(broker_client), 10, "as much as is taken at once")
                await publisher.publish(position_events(BATCH, start=40 * BATCH))
                assert await pending(broker_client) == READERS * BATCH
            finally:
                await slow.rollback()
            await wait_until(lambda: all_done(broker_client), 20, "an empty stream")
    assert await count(database_url) == 41 * BATCH
    assert await letters(broker_client) == []


async def _held(client: Redis, stream: Stream, count: int) -> bool:
    summary: Any = await client.xpending(stream.key, PERSISTENCE)
    return int(summary["pending"]) == count


async def _taken(client: Redis) -> bool:
    return await pending(client) >= READERS * BATCH


@pytest.mark.parametrize("stream", EVENT_STREAMS, ids=lambda stream: stream.name)
async def test_what_is_held_is_bounded_by_bytes(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str, stream: Stream
) -> None:
    """Of the largest bodies that a stream may have, a process holds what it can afford."""
    batch = min(stream.max_batch, PersistenceSettings.model_fields["batch_size"].default)
    assert batch * stream.largest_body <= MOST_BYTES.get(stream.name, 32 * 2**20)
    event = {"osdr": dataset_event(1), "jwst": image_event(1), "astro": sky_event(1)}.get(
        stream.name, position_event() if stream.name == "iss" else apod_event(1)
    )
    async with await psycopg.AsyncConnection.connect(database_url) as slow:
        table = sql.Identifier(TABLE_OF[type(event)].name)
        await slow.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(table))
        await publisher.publish_bodies(stream, [event.encode()] * (READERS + 1) * batch)
        async with storing(valkey_url, database_url):
            try:
                await wait_until(
                    lambda: _held(broker_client, stream, READERS * batch), 20, "two batches"
                )
            finally:
                await slow.rollback()
    assert await _held(broker_client, stream, 0)


async def test_batches_are_as_large_as_the_load(
    publisher: Publisher, valkey_url: str, database_url: str
) -> None:
    """Single events are stored at once, each alone; a backlog goes in whole batches."""
    await publisher.publish(position_events(10 * BATCH))
    batches, entries = _batches()
    async with storing(valkey_url, database_url, batch_size=BATCH):
        await wait_until(lambda: _batches()[1] >= entries + 10 * BATCH, 20, "the backlog")
        assert _batches() == (batches + 10, entries + 10 * BATCH)
        for index in range(3):
            batches, entries = _batches()
            await publisher.publish([position_event(10_000 + index)])
            await wait_until(lambda: _batches()[0] > batches, 10, "the event")  # noqa: B023 - awaited here
            assert _batches() == (batches + 1, entries + 1)
    assert await count(database_url) == 10 * BATCH + 3


async def test_a_pool_stays_within_its_size(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """With more batches in work than connections, batches wait, and none is lost."""
    seen = 0

    async def done() -> bool:
        nonlocal seen
        ((connections,),) = await query(
            database_url,
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'persistence-0'",
        )
        seen = max(seen, connections)
        return await all_done(broker_client)

    await publisher.publish(position_events(40 * BATCH))
    async with storing(valkey_url, database_url, batch_size=BATCH, database_pool_size=1):
        await wait_until(done, 20, "an empty stream")
    assert seen == 1
    assert await count(database_url) == 40 * BATCH
