"""The cache that all replicas share, in the broker; they serve without it while it is away."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.broker.memory import broker_memory
from libs.common.logging import get_logger
from libs.common.polling.lease import RELEASE
from libs.common.version import VERSION
from services.gateway.cache.kept import MISSING_FRESH_S, Kept, Kind

_log = get_logger(__name__)

# Keys hold the version, because the answers of another release may have another shape.
KEY_PREFIX = f"cassiopeia:cache:{VERSION}:"
# The lock of a replica that dies while it makes an answer expires after this.
LOCK_MS = 10_000
# After a failure the broker is not asked for this long, so that no request waits for a dead one.
PAUSE_S = 1.0
# A full broker refuses events, so the cache must not fill it. A larger answer stays in the memory
# of the replica that made it, none is shared for longer than this, and none at all while the
# broker is half full.
MAX_BYTES = 100_000
MAX_LIFE_S = 3_600.0
MAX_FULL = 0.5
# How often the broker is asked how full it is.
LOOK_EVERY_S = 10.0

_T = TypeVar("_T")
_U = TypeVar("_U")


class SharedStore:
    """Stores answers under their keys, and holds a lock for the replica that makes one."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._release = redis.register_script(RELEASE)
        self._away_until = 0.0
        self._looked_at = float("-inf")
        self._full = 0.0

    async def get(self, key: str) -> Kept | None:
        """Return an answer; None also if the broker is away, or the value cannot be read."""
        value: Any = await self._try(self._redis.get(KEY_PREFIX + key), None)
        try:
            return None if value is None else Kept.decode(value)
        except ValueError as error:
            _log.warning("cache_unreadable", key=key, reason=str(error))
            return None

    async def put(self, key: str, kept: Kept, kind: Kind) -> None:
        """Keep an answer for as long as it may be served."""
        if kept.size > MAX_BYTES or not await self._has_room():
            return
        life_s = kind.fresh_s + kind.stale_s if kept.ready else MISSING_FRESH_S
        life_ms = int(min(life_s, MAX_LIFE_S) * 1_000)
        await self._try(self._redis.set(KEY_PREFIX + key, kept.encode(), px=life_ms), None)

    async def _has_room(self) -> bool:
        if time.monotonic() > self._looked_at + LOOK_EVERY_S:
            self._looked_at = time.monotonic()
            memory = await self._try(broker_memory(self._redis), None)
            self._full = memory.ratio if memory else 0.0
        return self._full < MAX_FULL

    @asynccontextmanager
    async def making(self, key: str) -> AsyncIterator[bool]:
        """Hold a key's lock; yield false if another replica has it, and true without the broker."""
        lock, token = f"{KEY_PREFIX}lock:{key}", secrets.token_hex(8)
        taken = self._redis.set(lock, token, nx=True, px=LOCK_MS)
        is_ours: Any = await self._try(taken, True)  # noqa: FBT003 - what the command answers
        try:
            yield bool(is_ours)
        finally:
            if is_ours:
                await self._try(self._release(keys=[lock], args=[token]), None)

    async def _try(self, command: Awaitable[_T], otherwise: _U) -> _T | _U:
        if time.monotonic() < self._away_until:
            if asyncio.iscoroutine(command):
                command.close()
            return otherwise
        try:
            return await command
        except RedisError as error:
            self._away_until = time.monotonic() + PAUSE_S
            _log.debug("cache_away", reason=str(error))
            return otherwise
