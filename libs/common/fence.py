"""A fence around what is kept of a source: only the newest holder of its lease writes there.

A holder that stood still may wake up between its last look at the clock and its write, and
overwrite what its successor wrote. The number of the lease, compared by the broker in the same
step, stops it. Event streams lie on other nodes of a cluster and have no fence: an event that two
publish is one row.
"""

from collections.abc import Sequence

from redis.asyncio import Redis

from libs.common.errors import LeaseLostError

# A command: its name, a key of the source, and its arguments.
Word = str | bytes | int
Command = tuple[str, str, *tuple[Word, ...]]

# While a script runs the broker serves nobody else.
_WORDS_PER_CALL = 5_000

# KEYS: the fence, then the key of each command. ARGV: the writer's number, then for each command
# how many words follow, its name and its arguments without the key.
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
        redis: For reading; everybody may.
        key: Where the number of the newest holder is kept.
        number: Ours; 0 before anybody held the lease.
    """

    def __init__(self, redis: Redis, source: str) -> None:
        self.source = source
        self.redis = redis
        self.key = f"cassiopeia:source:{{{source}}}:fence"
        self.number = 0
        self._write = redis.register_script(_WRITE)

    async def write(self, commands: Sequence[Command]) -> None:
        """Run commands on keys of the source, in order; those of one call as one step.

        More than some thousand words are several steps, as in a pipeline.

        Raises:
            LeaseLostError: Another holder came after us; nothing of this step was written.
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
