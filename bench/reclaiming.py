"""`reclaim_100k_s`: how long it takes until a dead consumer's entries are rows.

A consumer was given 100,000 entries and died. Another replica of persistence finds, reclaims and
stores them. The time after which entries may be reclaimed, a minute by default, is set to its
minimum of one second; the first search for them is within the next second.
"""

from pathlib import Path

from bench.backlog import EVENTS, backlog, seconds_to_store
from bench.figure import Figure
from bench.progress import say
from tests.servers import running_servers


async def measure(folder: Path) -> list[Figure]:
    """Measure one recovery."""
    say(f"leaving {EVENTS:,} entries in the hands of a dead consumer")
    with running_servers(durable=True) as servers:
        seconds = await seconds_to_store(
            backlog(),
            database=servers.database_url(servers.create_database()),
            broker=servers.valkey_url,
            folder=folder,
            left_by="persistence-dead",
            CASSIOPEIA_RECLAIM_IDLE_SECONDS="1",
            CASSIOPEIA_RECLAIM_EVERY_SECONDS="1",
        )
    return [Figure("reclaim_100k_s", seconds, "s", None, None, "<= 30")]
