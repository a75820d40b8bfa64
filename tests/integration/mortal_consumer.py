"""`python -m tests.integration.mortal_consumer URL`: a consumer that one entry kills with -9.

It handles what it was given before, notes every body that it takes in the broker, and ends with 0.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from libs.common.broker import connect
from libs.common.consuming.pending import Entry
from libs.common.consuming.stream_consumer import ConsumerOptions, StreamConsumer
from libs.common.dead_letters import Rejection
from libs.common.topology import EVENTS_ISS, PERSISTENCE

DEADLY = b"deadly"
NAME = "consumer-mortal"
TAKEN_KEY = "test:taken"
MAX_DELIVERIES = 3


async def main(url: str) -> None:
    """Take what is pending."""
    async with connect(url, NAME) as redis:

        async def handler(entries: Sequence[Entry]) -> Sequence[Rejection]:
            if any(entry.body == DEADLY for entry in entries):
                os.kill(os.getpid(), signal.SIGKILL)
            await redis.rpush(TAKEN_KEY, *(entry.body for entry in entries))
            return []

        consumer = StreamConsumer(
            redis=redis,
            stream=EVENTS_ISS.key,
            group=PERSISTENCE,
            consumer=NAME,
            handler=handler,
            options=ConsumerOptions(max_deliveries=MAX_DELIVERIES),
        )
        await consumer.prepare()
        await consumer.recover()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
