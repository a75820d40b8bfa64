"""What all replicas keep together, in the broker; it may be away without harm."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.logging import get_logger
from services.gateway.cache.kept import KEPT_FOR_EMERGENCIES_S, Kept, Kind

_log = get_logger(__name__)

KEY_PREFIX = "cassiopeia:cache:"
# A maker that died frees its key after this.
LOCK_MS = 10_000
# After a failure memory alone serves for this long, so that no request waits for a dead broker.
PAUSE_S = 1.0
# A larger answer stays in the memory of who made it.
MAX_BYTES = 1_000_000

_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

_T = TypeVar("_T")


class SharedStore:
    """Answers under their keys, and a lock for whoever makes one."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._release = redis.register_script(_RELEASE)
        self._away_until = 0.0

    async def get(self, key: str) -> Kept | None:
        """Return an answer; None as well when the broker is away."""
        value: Any = await self._try(self._redis.get(KEY_PREFIX + key), None)
        return None if value is None else Kept.decode(value)

    async def put(self, key: str, kept: Kept, kind: Kind) -> None:
        """Keep an answer for its time and for emergencies."""
        if kept.size > MAX_BYTES:
            return
        life_ms = int((kind.fresh_s + max(kind.stale_s, KEPT_FOR_EMERGENCIES_S)) * 1_000)
        await self._try(self._redis.set(KEY_PREFIX + key, kept.encode(), px=life_ms), None)

    @asynccontextmanager
    async def making(self, key: str) -> AsyncIterator[bool]:
        """Hold a key's lock; false when somebody else holds it. True while the broker is away."""
        lock, token = f"{KEY_PREFIX}lock:{key}", secrets.token_hex(8)
        taken = self._redis.set(lock, token, nx=True, px=LOCK_MS)
        is_ours: Any = await self._try(taken, True)  # noqa: FBT003 - what the command answers
        try:
            yield bool(is_ours)
        finally:
            if is_ours:
                await self._try(self._release(keys=[lock], args=[token]), None)

    async def _try(self, command: Awaitable[_T], otherwise: _T) -> _T:
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
