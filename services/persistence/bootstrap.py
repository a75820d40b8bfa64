"""Wires persistence: a consumer per event stream, one pool, one schema."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.common.broker import (
    check_broker,
    connect,
    create_broker,
    ensure_groups,
    wait_for_broker,
)
from libs.common.clock import Clock, SystemClock
from libs.common.consuming import ConsumerOptions, StreamConsumer
from libs.common.database import check_database, create_pool
from libs.common.runtime import Runtime
from libs.common.topology import EVENT_STREAMS, PERSISTENCE
from libs.common.trimming import trim_forever
from services.persistence.handlers import BatchWriter
from services.persistence.repository import Repository, prepare_connection
from services.persistence.schema import ensure_schema
from services.persistence.settings import PersistenceSettings


@asynccontextmanager
async def bootstrap(
    settings: PersistenceSettings, runtime: Runtime, clock: Clock | None = None
) -> AsyncIterator[None]:
    """Run the service; `clock` replaces the machine's."""
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
    consumers = [
        StreamConsumer(
            redis=redis,
            stream=stream,
            group=PERSISTENCE,
            consumer=name,
            handler=BatchWriter(Repository(pool), clock, runtime.stop),
            options=ConsumerOptions(
                batch_size=settings.batch_size,
                reclaim_idle_s=settings.reclaim_idle_seconds,
                reclaim_every_s=settings.reclaim_every_seconds,
                max_deliveries=settings.max_deliveries,
                # While one batch is with the database the next is decoded, which measured as a
                # fifth more events a second.
                readers=2,
            ),
            clock=clock,
        )
        for stream in EVENT_STREAMS
    ]
    try:
        await wait_for_broker(redis)
        await pool.open()
        await ensure_schema(pool)
        await ensure_groups(redis)
        for consumer in consumers:
            await consumer.recover()
            consumer.subscribe(broker)
        async with broker:
            await broker.start()
            tasks = [runtime.spawn("trimming", trim_forever(redis, clock))]
            for consumer in consumers:
                stream = consumer.stream.key
                tasks += [
                    runtime.spawn(f"reclaim {stream}", consumer.reclaim_forever()),
                    runtime.spawn(f"watch {stream}", consumer.watch_forever()),
                ]
            yield
            # First: to its watch, a subscription that stops looks like one that broke off.
            await runtime.finish(*tasks)
    finally:
        await pool.close()
        await redis.aclose()
