"""A lease in the broker: at most one holder at a time, with a fencing token."""

import asyncio
import contextlib
import re
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.broker import text
from libs.common.clock import Clock
from libs.common.errors import LeaseLostError
from libs.common.polling.fence import Fence
from libs.common.tasks import end_tasks

_ACQUIRE = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return redis.call('INCR', KEYS[2])
end
return 0
"""
_SEIZE = """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return redis.call('INCR', KEYS[2])
"""
_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
"""
# Releases a lock of any kind: deletes its key if that still holds the owner's token.
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
"""
# The default; a dead holder keeps the other replicas waiting for this long.
LIFE_S = 6.0

_KEY = re.compile(r"cassiopeia:source:\{(.+)\}:lease")


def lease_key(source: str) -> str:
    """Return the key of a source's lease, which in a cluster is on the same node as its fence."""
    return f"cassiopeia:source:{{{source}}}:lease"


async def held_leases(redis: Redis) -> list[str]:
    """Return the sources whose lease is held; a leader keeps it between two polls as well.

    Raises:
        redis.exceptions.RedisError: The broker does not answer.
    """
    keys = redis.scan_iter(lease_key("*"), count=1_000)
    found = [_KEY.fullmatch(text(key)) async for key in keys]
    return sorted(match[1] for match in found if match)


class Lease:
    """The right to poll one source.

    The holder renews the lease after a third of its life, and measures that life by its own
    monotonic clock: a process that was stopped and resumed sees that its lease has expired before
    it does anything else.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        owner: str,
        life_s: float,
        clock: Clock,
        fence: Fence,
    ) -> None:
        # Random, so that two processes that were given the same name by mistake are two owners.
        self._owner = f"{owner}:{uuid4()}"
        self._life_s = life_s
        self._clock = clock
        self._keys = [lease_key(fence.source), fence.key]
        self._acquire = redis.register_script(_ACQUIRE)
        self._seize = redis.register_script(_SEIZE)
        self._renew = redis.register_script(_RENEW)
        self._release = redis.register_script(RELEASE)
        self._held_until = 0.0
        self._fence = fence

    @property
    def fence(self) -> int:
        """The fencing token of this holder: larger than those of all earlier holders."""
        return self._fence.number

    @property
    def held(self) -> bool:
        """Whether the lease is certainly ours at this moment."""
        return self._clock.monotonic() < self._held_until

    def require(self) -> None:
        """Raise unless the lease is certainly ours.

        Raises:
            LeaseLostError: It may belong to another replica by now.
        """
        if not self.held:
            raise LeaseLostError(f"the lease of {self._keys[0]} is over")

    async def acquire(self) -> bool:
        """Try once to take the lease.

        Raises:
            redis.exceptions.RedisError: The broker did not answer.
        """
        asked = self._clock.monotonic()
        number = int(await self._acquire(keys=self._keys, args=[self._owner, self._life_ms]))
        if number:
            self._fence.number = number
            # Counted from the request, not the answer: the broker started counting in between.
            self._held_until = asked + self._life_s
        return bool(number)

    async def seize(self) -> None:
        """Take the lease from its holder; return once that holder must know that it lost it.

        Raises:
            redis.exceptions.RedisError: The broker did not answer.
        """
        asked = self._clock.monotonic()
        self._fence.number = int(
            await self._seize(keys=self._keys, args=[self._owner, 2 * self._life_ms])
        )
        self._held_until = asked + 2 * self._life_s
        # The previous holder finds out when it renews, or when its lease expires by its own clock.
        await asyncio.sleep(self._life_s)

    async def hold(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work under the acquired lease, which is renewed meanwhile and released at the end.

        Raises:
            LeaseLostError: The lease was lost; the work has been cancelled.
        """
        working = asyncio.create_task(work, name="leased work")
        renewing = asyncio.create_task(self._renew_forever(), name="lease renewal")
        try:
            await asyncio.wait([working, renewing], return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                # The renewal ends only when the lease is lost; this raises its error.
                renewing.result()
            working.result()
        finally:
            await end_tasks(working, renewing)
            self._held_until = 0.0
            with contextlib.suppress(RedisError):
                await self._release(keys=self._keys[:1], args=[self._owner])

    @property
    def _life_ms(self) -> int:
        return int(self._life_s * 1_000)

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(self._life_s / 3)
            asked = self._clock.monotonic()
            self.require()
            try:
                renewed = await self._renew(keys=self._keys[:1], args=[self._owner, self._life_ms])
            except RedisError:
                # The next try may succeed; `require` raises once the lease has expired.
                continue
            if not renewed:
                raise LeaseLostError(f"{self._keys[0]} belongs to another replica")
            self._held_until = asked + self._life_s
