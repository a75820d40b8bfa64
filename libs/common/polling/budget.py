"""How often an upstream may be called: counted in the broker, so that restarts do not reset it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from redis.asyncio import Redis

from libs.common import metrics
from libs.common.errors import BudgetExhaustedError
from libs.common.waits import MAX_WAIT_S, bounded_wait


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` calls in any window of `period_s` seconds."""

    calls: int
    period_s: float


# An exact sliding window: one member per call in the longest period. KEYS: the calls, the block.
# ARGV: the longest block (ms), then calls and period (ms) of each limit. Returns {granted, wait in
# ms, calls left in the longest period}.
# If the broker's clock is set back, recorded calls lie in the future and a block lasts longer: both
# are counted from now instead.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local blocked = redis.call('PTTL', KEYS[2])
if blocked > tonumber(ARGV[1]) then
  blocked = tonumber(ARGV[1])
  redis.call('PEXPIRE', KEYS[2], blocked)
end
for _, call in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')) do
  redis.call('ZADD', KEYS[1], now, call)
end
if blocked > 0 then
  return {0, blocked, 0}
end
local longest, wait, left = 0, 0, 0
for i = 2, #ARGV, 2 do
  longest = math.max(longest, tonumber(ARGV[i + 1]))
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - longest)
for i = 2, #ARGV, 2 do
  local calls, period = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local made = redis.call('ZCOUNT', KEYS[1], '(' .. (now - period), '+inf')
  if made >= calls then
    local freeing = redis.call('ZREVRANGE', KEYS[1], calls - 1, calls - 1, 'WITHSCORES')
    wait = math.max(wait, freeing[2] + period - now)
  end
  if period == longest then
    left = calls - made
  end
end
if wait > 0 then
  return {0, wait, 0}
end
redis.call('ZADD', KEYS[1], now, clock[1] .. '.' .. clock[2])
redis.call('PEXPIRE', KEYS[1], longest)
return {1, 0, left - 1}
"""


class Budget:
    """The calls that one upstream allows to all processes of the suite together.

    Attributes:
        unsaid_s: How long no call is made after a refusal that names no time.
        calls: Calls that were granted to this process.
        left: Calls that the longest period still allows; None before the first call.
    """

    unsaid_s: ClassVar[float] = 30.0

    def __init__(self, redis: Redis, *, upstream: str, limits: Sequence[Limit]) -> None:
        self.upstream = upstream
        self._redis = redis
        self._keys = [
            f"cassiopeia:upstream:{{{upstream}}}:calls",
            f"cassiopeia:upstream:{{{upstream}}}:blocked",
        ]
        self._arguments = [int(MAX_WAIT_S * 1_000)]
        for limit in limits:
            self._arguments += [limit.calls, int(limit.period_s * 1_000)]
        self._take = redis.register_script(_TAKE)
        self.left: int | None = None
        self.calls = 0

    async def take(self) -> None:
        """Count one call, which the caller may then make.

        Raises:
            BudgetExhaustedError: The call must not be made now.
        """
        granted, wait_ms, left = await self._take(keys=self._keys, args=self._arguments)
        self.left = int(left)
        metrics.UPSTREAM_BUDGET.labels(self.upstream).set(self.left)
        if not granted:
            wait_s = int(wait_ms) / 1_000
            raise BudgetExhaustedError(
                f"the limit of {self.upstream} is used up for {math.ceil(wait_s)} s", wait_s
            )
        self.calls += 1

    async def block(self, seconds: float | None) -> None:
        """Allow no call for a while, because the upstream asked for that.

        Args:
            seconds: How long, up to a day; None if the upstream did not say.
        """
        asked_s = None if seconds is None else bounded_wait(seconds)
        if asked_s is None:
            asked_s = self.unsaid_s
        self.left = 0
        metrics.UPSTREAM_BUDGET.labels(self.upstream).set(0)
        life_ms = max(1, int(asked_s * 1_000))
        pipeline = self._redis.pipeline()
        pipeline.set(self._keys[1], "1", px=life_ms, nx=True)
        # An earlier block may last longer, and is not shortened.
        pipeline.pexpire(self._keys[1], life_ms, gt=True)
        await pipeline.execute()
