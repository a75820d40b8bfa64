"""`python -m libs.common.repartition`: gives the event streams the layout of the settings.

The old streams are removed. So all processes must have ended, and persistence must have stored
what these streams hold. The gateway's live history then starts anew; the database has all of it.
"""

import asyncio
import sys
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from libs.common.broker import connect, stored_layout, text
from libs.common.broker.groups import LAYOUT_KEY
from libs.common.errors import CassiopeiaError
from libs.common.layout import Layout
from libs.common.polling.lease import held_leases
from libs.common.runtime import EXIT_OK, exit_code_of
from libs.common.settings import ServiceSettings, load_settings
from libs.common.topology import EVENT_STREAMS, Stream

# A living consumer reads every second.
_GONE_AFTER_MS = 10_000


class NotYetError(CassiopeiaError):
    """The streams are still in use."""


async def repartition(redis: Redis, layout: Layout) -> list[str]:
    """Change the layout of the broker's streams; return the names of those that changed.

    Raises:
        NotYetError: A source is still polled, or a stream has a consumer or entries that were not
            stored; nothing has changed.
    """
    old = await stored_layout(redis)
    changed = [
        stream for stream in EVENT_STREAMS if old.counts[stream.name] != layout.counts[stream.name]
    ]
    if changed and (polled := await held_leases(redis)):
        raise NotYetError(
            f"a process still publishes what {', '.join(polled)} gives: stop all processes first"
            " (one that was killed counts for some seconds)"
        )
    leaving = [part for stream in changed for part in old.partitions(stream)]
    for stream in leaving:
        await _require_done(redis, stream, old)
    # In this order: after a kill in between, the next try still finds the old layout and the rest.
    for stream in leaving:
        await redis.delete(stream.key)
    for stream in changed:
        await redis.hset(LAYOUT_KEY, stream.name, str(layout.counts[stream.name]))
    return [stream.name for stream in changed]


async def _require_done(redis: Redis, stream: Stream, old: Layout) -> None:
    try:
        groups: Any = await redis.xinfo_groups(stream.key)
    except ResponseError:
        # The stream does not exist: nothing was ever published to it.
        return
    for group in groups:
        name = text(group["name"])
        consumers: Any = await redis.xinfo_consumers(stream.key, name)
        if any(consumer["idle"] < _GONE_AFTER_MS for consumer in consumers):
            raise NotYetError(f"{name} still reads {stream.key}: stop all processes first")
        unread: Any = await redis.xrange(
            stream.key, min=f"({text(group['last-delivered-id'])}", count=1
        )
        if unread or group["pending"]:
            raise NotYetError(
                f"{stream.key} has entries that {name} has not stored: run it once more with"
                f" CASSIOPEIA_STREAM_PARTITIONS={old}, until cassiopeia_stream_lag_entries and"
                " cassiopeia_stream_pending_entries are 0"
            )


async def _run(settings: ServiceSettings) -> list[str]:
    async with connect(settings.redis_url.get_secret_value(), "repartition") as redis:
        return await repartition(redis, settings.layout)


def main() -> int:
    """Run the command; return the exit code."""
    try:
        settings = load_settings(ServiceSettings)
        changed = asyncio.run(_run(settings))
    except (CassiopeiaError, RedisError) as error:
        print(f"repartition: {error}", file=sys.stderr)  # noqa: T201 - a command line speaks to a person
        return exit_code_of(error)
    print(f"changed: {', '.join(changed) or 'nothing'}; now {settings.layout}")  # noqa: T201 - as above
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
