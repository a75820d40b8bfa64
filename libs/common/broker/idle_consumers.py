"""Consumers that are gone: a group keeps the name of each one that ever read, until it is removed.

A replica that comes back reads under its name as if nothing had happened. So it is harmless to
remove a consumer that is only away, as long as its pending list is empty: the list is removed with
the consumer.
"""

from datetime import timedelta

from redis.asyncio import Redis

from libs.common.broker import text

# A living consumer reads every second, and a dead one's entries are reclaimed within minutes.
LEFT_AFTER = timedelta(hours=1)

# One script: between two commands, a consumer could be given entries, and they would be lost.
_REMOVE = """
local removed = {}
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #flat, 2 do consumer[flat[i]] = flat[i + 1] end
  if consumer['pending'] == 0 and consumer['idle'] >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer['name'])
    removed[#removed + 1] = consumer['name']
  end
end
return removed
"""


async def remove_idle_consumers(
    redis: Redis, stream: str, group: str, left_after: timedelta = LEFT_AFTER
) -> list[str]:
    """Remove a group's consumers that have nothing pending and have not read for `left_after`.

    Returns:
        Their names.
    """
    idle_ms = int(left_after.total_seconds() * 1_000)
    removed = await redis.register_script(_REMOVE)(keys=[stream], args=[group, idle_ms])
    return [text(name) for name in removed]
