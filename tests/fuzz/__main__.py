"""`python -m tests.fuzz`: attacks a gateway over raw sockets, and looks at what it keeps."""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence

from tests.fuzz.attack import attack
from tests.fuzz.target import paths, target
from tests.servers import Servers, running_servers

# Where a service that a route asks does not run here.
UNAVAILABLE = frozenset({503})
# Caches fill, and memory that was given back stays with the process.
MOST_GROWN_MB = 20.0
# Connections to the database and the broker are opened as they are needed.
SPARE_FILES = 10


def main(arguments: Sequence[str]) -> int:
    """Attack; return 0 when no harm was done."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, help="repeats the inputs of an earlier run")
    chosen = parser.parse_args(arguments)
    seed = random.randrange(1_000_000) if chosen.seed is None else chosen.seed
    print(f"{chosen.inputs:,} inputs, --seed {seed}", flush=True)
    with running_servers() as servers:
        return asyncio.run(_attack(servers, chosen.inputs, seed))


async def _attack(servers: Servers, inputs: int, seed: int) -> int:
    began = time.monotonic()
    async with target(servers, servers.create_database(), servers.folder) as gateway:
        # The first half fills caches; what the second half adds is a leak.
        half = inputs // 2
        first = await attack(gateway.url, paths(), seed=seed, inputs=half, allowed=UNAVAILABLE)
        await gateway.let_go()
        memory_mb, files = gateway.memory_mb(), gateway.held.num_fds()
        second = await attack(
            gateway.url, paths(), seed=seed + 1, inputs=inputs - half, allowed=UNAVAILABLE
        )
        await gateway.let_go()
        grown_mb, more_files = gateway.memory_mb() - memory_mb, gateway.held.num_fds() - files
        errors = gateway.errors()
    harm = [*first.harmful, *second.harmful, *errors]
    if grown_mb > MOST_GROWN_MB:
        harm.append(f"memory grew by {grown_mb:.1f} MB in the second half")
    if more_files > SPARE_FILES:
        harm.append(f"{more_files} more files are open after the second half")
    statuses = first.statuses + second.statuses
    print(", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items())))
    print(f"memory {grown_mb:+.1f} MB, files {more_files:+d}, {time.monotonic() - began:.0f} s")
    for line in harm[:50]:
        print(f"  {line[:500]}")
    print(f"{len(harm)} faults" if harm else "passed: no 5xx, no leak")
    return 1 if harm else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
