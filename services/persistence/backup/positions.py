"""How far persistence has come in the streams, and how it is set back after a restore.

Entries that were acknowledged after a backup stay in the streams for their retention. A group that
is set back is given them again and stores them again; rows that exist already are not repeated.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from libs.common.broker import READ_BLOCK_MS, EntryId, group_info, stored_layout, text
from libs.common.topology import PERSISTENCE
from services.persistence.backup.manifest import Position

_START = EntryId(0, 0)
_PAGE = 1_000
# Three times as long as a reader waits for entries before it reads again.
_PATIENCE_S = 3 * READ_BLOCK_MS / 1_000


class Replay(NamedTuple):
    """What persistence will be given again from one stream after a restore.

    Attributes:
        stream: The broker's key.
        since: Entries after this id are given again.
        trimmed: How many acknowledged entries since the backup the stream no longer has; None if
            that cannot be told: the backup has no position, or the stream was made anew.
    """

    stream: str
    since: EntryId
    trimmed: int | None


async def read_positions(redis: Redis) -> tuple[Position, ...]:
    """Return how far persistence has come; call it before the rows are read.

    Raises:
        RedisError: The broker does not answer.
    """
    found = []
    for stream in (await stored_layout(redis)).event_streams:
        group = await _group(redis, stream.key)
        if group is None:
            continue
        state: Any = await redis.xinfo_stream(stream.key)
        pending: Any = await redis.xpending(stream.key, PERSISTENCE)
        # Asked after the group, so an entry up to its last one is either done by now or pending.
        done = EntryId.parse(group["last-delivered-id"])
        if pending["pending"]:
            done = min(done, EntryId.parse(pending["min"]).before)
        behind = await _count(redis, stream.key, str(done), text(state["last-generated-id"]))
        entries = int(state["entries-added"]) - behind
        found.append(Position(stream=stream.key, stored_up_to=str(done), entries=entries))
    return tuple(found)


async def rewind(redis: Redis, positions: Iterable[Position]) -> list[Replay]:
    """Set the groups back to a backup's positions, or to the start if it has none; never forward.

    Raises:
        RedisError: The broker does not answer; doing it again is harmless.
    """
    saved = {position.stream: position for position in positions}
    replays = []
    for stream in (await stored_layout(redis)).event_streams:
        group = await _group(redis, stream.key)
        if group is None:
            continue
        known = saved.get(stream.key)
        stored = EntryId.parse(known.stored_up_to) if known else _START
        target = min(stored, EntryId.parse(group["last-delivered-id"]))
        await redis.xgroup_setid(stream.key, PERSISTENCE, str(target))
        state: Any = await redis.xinfo_stream(stream.key)
        replays.append(Replay(stream.key, target, _trimmed(known, state) if known else None))
    return replays


async def active_consumers(redis: Redis) -> list[str]:
    """Return the consumers of persistence that are reading at the moment.

    Raises:
        RedisError: The broker does not answer.
    """
    if not await _seen_within(redis, _PATIENCE_S):
        return []
    # They may have ended just now; a consumer that is alive will have read again after this.
    await asyncio.sleep(_PATIENCE_S)
    return await _seen_within(redis, _PATIENCE_S / 2)


async def _seen_within(redis: Redis, seconds: float) -> list[str]:
    found: set[str] = set()
    for stream in (await stored_layout(redis)).event_streams:
        if await _group(redis, stream.key) is not None:
            consumers: Sequence[Any] = await redis.xinfo_consumers(stream.key, PERSISTENCE)
            found.update(text(each["name"]) for each in consumers if each["idle"] < seconds * 1_000)
    return sorted(found)


def _trimmed(saved: Position, state: Any) -> int | None:  # noqa: ANN401 - as the client types it
    first = state["first-entry"]
    if first is not None and EntryId.parse(first[0]) <= EntryId.parse(saved.stored_up_to):
        # Trimming removes the oldest entries first: while one from before the backup is left, all
        # later ones are, too.
        return 0
    missing = int(state["entries-added"]) - saved.entries - int(state["length"])
    return missing if missing >= 0 else None


async def _count(redis: Redis, key: str, after: str, last: str) -> int:
    """Return how many entries there are after one id, up to another."""
    count = 0
    while True:
        found: Any = await redis.xrange(key, min=f"({after}", max=last, count=_PAGE)
        count += len(found)
        if len(found) < _PAGE:
            return count
        after = text(found[-1][0])


async def _group(redis: Redis, key: str) -> Mapping[str, Any] | None:
    try:
        return await group_info(redis, key, PERSISTENCE)
    except ResponseError:
        return None  # no such stream
