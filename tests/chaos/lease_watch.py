"""Sees on the broker itself who writes to a stream, whatever the services believe."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.client import Monitor

from libs.common.broker import text


async def lease_holder(redis: Redis, source: str) -> str | None:
    """Return the process that leads a source; None while nobody does."""
    owner = await redis.get(f"cassiopeia:source:{{{source}}}:lease")
    return text(owner).partition(":")[0] if owner else None


@asynccontextmanager
async def watched_writes(redis: Redis, stream: str) -> AsyncIterator[Counter[str]]:
    """Count who adds to a stream while the body runs, by the name of the connection."""
    writes: Counter[str] = Counter()
    addresses: Counter[str] = Counter()
    async with redis.monitor() as monitor:
        watching = asyncio.create_task(_watch(monitor, f"XADD {stream} ", addresses))
        try:
            yield writes
            clients = await redis.client_list()
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
    names = {client["addr"]: client["name"] for client in clients}
    for address, count in addresses.items():
        writes[names.get(address, address)] += count


async def _watch(monitor: Monitor, command: str, addresses: Counter[str]) -> None:
    async for seen in monitor.listen():
        if seen["command"].startswith(command):
            addresses[f"{seen['client_address']}:{seen['client_port']}"] += 1
