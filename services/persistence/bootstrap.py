"""Wires persistence: a consumer per event stream, one pool, one schema."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.common.broker.memory import MemoryAlarm, watch_memory_forever
from libs.common.broker.upkeep import keep_in_shape_forever
from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.connecting import connected
from libs.common.consuming.dead_letter_limit import LetterLimit
from libs.common.consuming.stream_consumer import ConsumerOptions, StreamConsumer, check_consumers
from libs.common.consuming.watching import watch_forever
from libs.common.database import pooled
from libs.common.runtime import Runtime
from libs.common.topology import PERSISTENCE, Stream
from services.persistence.database_identity import recognize
from services.persistence.handlers import BatchWriter
from services.persistence.housekeeping import Housekeeper
from services.persistence.repository import Repository, prepare_connection
from services.persistence.schema import ensure_schema
from services.persistence.settings import PersistenceSettings


@asynccontextmanager
async def bootstrap(
    settings: PersistenceSettings, runtime: Runtime, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[None]:
    """Run the service; `clock` replaces the machine's."""
    async with (
        # The pool ends last: a batch in work is still stored.
        pooled("persistence", settings, runtime, configure=prepare_connection) as pool,
        connected("persistence", settings, runtime) as (name, redis, broker),
    ):
        turn = asyncio.Lock()
        consumers = [
            StreamConsumer(
                redis=redis,
                stream=stream.key,
                group=PERSISTENCE,
                consumer=name,
                handler=BatchWriter(Repository(pool), clock, runtime.stop),
                options=_options(settings, stream),
                clock=clock,
                turn=turn,
                stop=runtime.stop,
            )
            for stream in settings.layout.event_streams
        ]
        runtime.checks["dead_letters"] = lambda: check_consumers(consumers)
        await pool.open()
        await ensure_schema(pool)
        await recognize(redis, pool, clock)
        for consumer in consumers:
            await consumer.prepare()
            consumer.subscribe(broker)
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
            runtime.spawn("keeping", Housekeeper(pool, settings.retention).keep_forever()),
        ]
        for consumer in consumers:
            tasks += [
                runtime.spawn(f"recover {consumer.stream}", consumer.recover_forever()),
                runtime.spawn(f"watch {consumer.stream}", watch_forever(redis, consumer, clock)),
            ]
        yield
        # First: to its watch, a subscription that stops looks like one that broke off.
        await runtime.finish(*tasks)


def _options(settings: PersistenceSettings, stream: Stream) -> ConsumerOptions:
    return ConsumerOptions(
        batch_size=min(settings.batch_size, stream.max_batch),
        reclaim_idle_s=settings.reclaim_idle_seconds,
        reclaim_every_s=settings.reclaim_every_seconds,
        max_deliveries=settings.max_deliveries,
        # While one batch is with the database the next is decoded, which measured as a fifth more
        # events a second.
        readers=2,
        letter_limit=LetterLimit(
            count=settings.dead_letter_limit,
            ratio=settings.dead_letter_ratio,
            window_s=settings.dead_letter_window_seconds,
        ),
    )
