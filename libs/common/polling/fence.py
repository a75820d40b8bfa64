"""Fencing of a source's stored state: only the newest holder of its lease can write there.

A holder may be paused between its last look at the clock and its write, and then overwrite what its
successor wrote. The broker prevents this: it compares the lease's fencing token in the same step as
the write. Event streams live on other nodes of a cluster and cannot be fenced, which is harmless:
an event that two holders publish becomes one row.
"""

from collections.abc import Sequence

from redis.asyncio import Redis

from libs.common.errors import LeaseLostError

# A command: its name, a key of the source, and its arguments.
Word = str | bytes | int
Command = tuple[str, str, *tuple[Word, ...]]

# While a script runs, the broker serves no other client.
_WORDS_PER_CALL = 5_000

# KEYS: the fence, then the key of each command. ARGV: the writer's token, then for each command
# the number of words that follow, its name, and its arguments without the key.
_WRITE = """
if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then
  return 0
end
local at = 2
for i = 2, #KEYS do
  local last = at + ARGV[at]
  redis.call(ARGV[at + 1], KEYS[i], unpack(ARGV, at + 2, last))
  at = last + 1
end
return 1
"""


class Fence:
    """The fence of one source.

    Attributes:
        source: The source.
        redis: A client for reading, which needs no lease.
        key: The key that holds the newest holder's fencing token.
        number: This process's token; 0 until it has held the lease.
    """

    def __init__(self, redis: Redis, source: str) -> None:
        self.source = source
        self.redis = redis
        self.key = f"cassiopeia:source:{{{source}}}:fence"
        self.number = 0
        self._write = redis.register_script(_WRITE)

    async def write(self, commands: Sequence[Command]) -> None:
        """Run commands on keys of the source, in order and as one step.

        Above 5,000 words, the commands run in several steps, one after the other.

        Raises:
            LeaseLostError: The lease has had a later holder; nothing of this step was written.
        """
        keys: list[str] = []
        words: list[Word] = []
        for name, key, *arguments in commands:
            if len(words) > _WORDS_PER_CALL:
                await self._run(keys, words)
                keys, words = [], []
            keys.append(key)
            words += [len(arguments) + 1, name, *arguments]
        if keys:
            await self._run(keys, words)

    async def _run(self, keys: Sequence[str], words: Sequence[Word]) -> None:
        if not await self._write(keys=[self.key, *keys], args=[self.number, *words]):
            raise LeaseLostError(f"another replica has held the lease of {self.source} since")
