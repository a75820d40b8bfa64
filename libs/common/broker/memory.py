"""An alarm long before the broker's memory ends.

With `noeviction` a full broker loses nothing and takes nothing: every publication fails from one
moment to the next. So somebody should know while there is still time to find out what grows.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common import metrics
from libs.common.broker import broker_info
from libs.common.logging import get_logger

_log = get_logger(__name__)

# At the highest rate of publishing that was measured, 27,000 entries of 1 KiB a second, a broker
# of 1 GB still has ten seconds between the alarm at 0.7 and its end.
LOOK_EVERY_S = 5.0
# The alarm ends this far below where it begins, or a broker at the border would ring all day.
HYSTERESIS = 0.1


@dataclass(frozen=True, slots=True)
class BrokerMemory:
    """What a broker uses and may use, in bytes."""

    used: int
    limit: int

    @property
    def ratio(self) -> float:
        """The share that is used; 0 where the limit is not known."""
        return self.used / self.limit if self.limit else 0.0


class MemoryAlarm:
    """Rings above a ratio, until the ratio is well below it.

    Args:
        above: The share of the memory at which it begins, from 0 to 1.
    """

    def __init__(self, above: float) -> None:
        self._above = above
        self.rings = False

    def look(self, ratio: float) -> bool:
        """Take note of the ratio; return whether the alarm began or ended."""
        rang = self.rings
        self.rings = ratio > (self._above - HYSTERESIS if rang else self._above)
        return self.rings != rang


async def broker_memory(redis: Redis, limit: int | None = None) -> BrokerMemory:
    """Ask the broker how much memory it uses; of a cluster, the primary that is fullest.

    Args:
        redis: A client of it.
        limit: Bytes that it may use; when None, its `maxmemory`, or all of its machine's memory.
    """
    nodes = [_memory_of(found, limit) for found in await broker_info(redis, "memory")]
    return max(nodes, key=lambda memory: memory.ratio)


def _memory_of(found: dict[str, Any], limit: int | None) -> BrokerMemory:
    limit = limit or int(found["maxmemory"]) or int(found.get("total_system_memory", 0))
    return BrokerMemory(int(found["used_memory"]), limit)


async def watch_memory_forever(redis: Redis, alarm: MemoryAlarm, limit: int | None = None) -> None:
    """Keep the metrics of the broker's memory true, and say when it becomes too much."""
    while True:
        try:
            memory = await broker_memory(redis, limit)
        except RedisError as error:
            _log.debug("memory_not_read", reason=str(error))
        else:
            changed = alarm.look(memory.ratio)
            metrics.BROKER_MEMORY.set(memory.used)
            metrics.BROKER_MEMORY_LIMIT.set(memory.limit)
            metrics.BROKER_MEMORY_ALERT.set(alarm.rings)
            if changed:
                _say(memory, rings=alarm.rings)
        await asyncio.sleep(LOOK_EVERY_S)


def _say(memory: BrokerMemory, *, rings: bool) -> None:
    numbers = {
        "used_mb": memory.used // 1_000_000,
        "limit_mb": memory.limit // 1_000_000,
        "ratio": round(memory.ratio, 3),
    }
    if rings:
        advice = (
            "look for the stream that grows (cassiopeia_stream_length_entries) and the group that"
            " holds it (cassiopeia_stream_oldest_unacknowledged_age_seconds), or raise maxmemory"
        )
        _log.warning("broker_memory_high", **numbers, advice=advice)
    else:
        _log.info("broker_memory_normal", **numbers)
