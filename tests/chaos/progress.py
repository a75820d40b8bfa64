"""Waiting until the consumers have caught up."""

import asyncio
import time

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.chaos.audit import group_state

_PAUSE_S = 0.05


async def until_settled(redis: Redis, timeout_s: float) -> bool:
    """Wait until every entry is acknowledged; return whether that came in time.

    Late is not raised: what is missing then is for the audit to say.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if (await group_state(redis)).settled:
                return True
        except RedisError:
            pass
        await asyncio.sleep(_PAUSE_S)
    return False


async def until_acknowledged(redis: Redis, entry: tuple[int, int]) -> None:
    """Wait until all entries up to one are acknowledged, also while the broker is away."""
    while True:
        try:
            if (await group_state(redis)).acknowledged_up_to >= entry:
                return
        except RedisError:
            pass
        await asyncio.sleep(_PAUSE_S)
