"""Wires persistence: a consumer per event stream, one pool, one schema."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.common.broker import (
    check_broker,
    connect,
    create_broker,
    prepare_streams,
    wait_for_broker,
)
from libs.common.broker_memory import MemoryAlarm, watch_memory_forever
from libs.common.clock import Clock, SystemClock
from libs.common.consuming import ConsumerOptions, StreamConsumer, check_consumers
from libs.common.database import check_database, create_pool
from libs.common.deadletter_limit import LetterLimit
from libs.common.runtime import Runtime
from libs.common.topology import PERSISTENCE
from libs.common.upkeep import keep_in_shape_forever
from libs.common.watching import watch_forever
from services.persistence.acquaintance import get_acquainted
from services.persistence.handlers import BatchWriter
from services.persistence.keeping import Keeper
from services.persistence.repository import Repository, prepare_connection
from services.persistence.schema import ensure_schema
from services.persistence.settings import PersistenceSettings


@asynccontextmanager
async def bootstrap(
    settings: PersistenceSettings, runtime: Runtime, clock: Clock | None = None
) -> AsyncIterator[None]:
    """Run the service; `clock` replaces the machine's clock."""
    clock = clock or SystemClock()
    name = f"persistence-{settings.replica}"
    url = settings.redis_url.get_secret_value()
    redis, broker = connect(url, name), create_broker(url, name)
    pool = create_pool(
        settings.database_url.get_secret_value(),
        name=name,
        size=settings.database_pool_size,
        configure=prepare_connection,
    )
    runtime.checks["broker"] = lambda: check_broker(redis)
    runtime.checks["database"] = lambda: check_database(pool)
    turn = asyncio.Lock()
    consumers = [
        StreamConsumer(
            redis=redis,
            stream=stream.key,
            group=PERSISTENCE,
            consumer=name,
            handler=BatchWriter(Repository(pool), clock, runtime.stop),
            options=ConsumerOptions(
                batch_size=min(settings.batch_size, stream.max_batch),
                reclaim_idle_s=settings.reclaim_idle_seconds,
                reclaim_every_s=settings.reclaim_every_seconds,
                max_deliveries=settings.max_deliveries,
                # While the database handles one batch the next is decoded; this was measured to
                # store a fifth more events a second.
                readers=2,
                letter_limit=LetterLimit(
                    count=settings.dead_letter_limit,
                    ratio=settings.dead_letter_ratio,
                    window_s=settings.dead_letter_window_seconds,
                ),
            ),
            clock=clock,
            turn=turn,
            stop=runtime.stop,
        )
        for stream in settings.layout.event_streams
    ]
    runtime.checks["dead_letters"] = lambda: check_consumers(consumers)
    try:
        await wait_for_broker(redis)
        await pool.open()
        await ensure_schema(pool)
        await prepare_streams(redis, settings.layout)
        await get_acquainted(redis, pool, clock)
        for consumer in consumers:
            await consumer.prepare()
            consumer.subscribe(broker)
        async with broker:
            await broker.start()
            tasks = [
                runtime.spawn("upkeep", keep_in_shape_forever(redis, settings.layout.streams)),
                runtime.spawn(
                    "broker memory",
                    watch_memory_forever(
                        redis,
                        MemoryAlarm(settings.broker_memory_alert),
                        settings.broker_memory_limit_bytes,
                    ),
                ),
                runtime.spawn("keeping", Keeper(pool, settings.retention).keep_forever()),
            ]
            for consumer in consumers:
                tasks += [
                    runtime.spawn(f"recover {consumer.stream}", consumer.recover_forever()),
                    runtime.spawn(
                        f"watch {consumer.stream}", watch_forever(redis, consumer, clock)
                    ),
                ]
            yield
            # Before the broker stops: to its watch, a subscription that is being stopped looks like
            # one that has failed.
            await runtime.finish(*tasks)
    finally:
        await pool.close()
        await redis.aclose()
