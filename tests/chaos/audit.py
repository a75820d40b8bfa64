"""Counts what became of the events: rows, entries that nobody acknowledged, dead letters."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql
from redis.asyncio import Redis

from libs.common.broker import BODY_FIELD, EntryId, group_info, text
from libs.common.topology import EVENTS_DEAD, EVENTS_ISS, PERSISTENCE
from tests.chaos.load import Load
from tests.chaos.scenario import Report, Row

_PAGE = 1_000
ID_IN_BODY = re.compile(rb'"id":"([0-9a-f-]{36})"')


class GroupState(NamedTuple):
    """How far the group of persistence is."""

    last: EntryId
    """The newest entry of the stream."""
    acknowledged_up_to: EntryId
    """Every entry up to this one is acknowledged."""
    unread: int
    pending: int

    @property
    def settled(self) -> bool:
        """Whether every entry is acknowledged."""
        return not self.unread and not self.pending


async def group_state(redis: Redis) -> GroupState:
    """Ask the broker how far the group is.

    Raises:
        RedisError: It is away.
    """
    stream: Any = await redis.xinfo_stream(EVENTS_ISS.key)
    last = EntryId.parse(stream["last-generated-id"])
    group = await group_info(redis, EVENTS_ISS.key, PERSISTENCE)
    if group is None:
        return GroupState(last, EntryId(0, 0), int(stream["length"]), 0)
    delivered = EntryId.parse(group["last-delivered-id"])
    lag = group["lag"]
    if lag is None:
        # The broker lost count, as it may after a restart: counted by hand.
        unread: Any = await redis.xrange(EVENTS_ISS.key, min=f"({delivered}")
        lag = len(unread)
    pending: Any = await redis.xpending(EVENTS_ISS.key, PERSISTENCE)
    if not pending["pending"]:
        return GroupState(last, delivered, int(lag), 0)
    first = EntryId.parse(pending["min"])
    return GroupState(last, first.before, int(lag), int(pending["pending"]))


async def last_entry(redis: Redis) -> EntryId:
    """Return the id of the newest entry of the stream."""
    stream: Any = await redis.xinfo_stream(EVENTS_ISS.key)
    return EntryId.parse(stream["last-generated-id"])


async def audit(redis: Redis, database_url: str, load: Load) -> Report:
    """Compare what was accepted with what is stored and what is dead, entry by entry."""
    rows = Counter(await asyncio.to_thread(stored_ids, database_url))
    letters = [fields async for _, fields in _pages(redis, EVENTS_DEAD.key)]
    poison, length = await _poison_entries(redis, load)
    state = await group_state(redis)
    report = Report(rows=_rows(load, rows, poison, letters))
    stored, accepted = set(rows), set(load.accepted)
    report.check("every accepted event has a row: missing", len(accepted - stored), 0)
    report.check("every row is of an accepted event: others", len(stored - accepted), 0)
    report.check("no event has two rows: doubled", rows.total() - len(rows), 0)
    report.check("nothing is pending", state.pending, 0)
    report.check("nothing is unread: lag", state.unread, 0)
    report.check("each poison entry is a dead letter, once", len(letters), len(poison))
    bodies = {entry: body for entry, (_, body) in poison.items()}
    report.check(
        "each letter has stream, entry, reason and the original bytes: wrong",
        _wrong_letters(letters, bodies),
        0,
    )
    unlike = await asyncio.to_thread(_unlike_rollups, database_url)
    report.check("each minute and hour sums up its rows: others", unlike, 0)
    sent, twice = sum(row.sent for row in report.rows), len(poison) - len(load.poison)
    if length >= sent:  # else somebody has removed the stream
        report.remarks.append(
            f"the stream holds {length:,} entries for {sent:,} events:"
            f" {length - sent:,} accepted twice, {twice} of them poison"
        )
    return report


def _rows(
    load: Load,
    stored: Counter[UUID],
    poison: Mapping[str, tuple[str, bytes]],
    letters: Sequence[Mapping[bytes, bytes]],
) -> list[Row]:
    rows = {fault: Row(fault) for fault in dict.fromkeys(load.accepted.values())}
    for event, fault in load.accepted.items():
        row = rows[fault]
        row.sent += 1
        row.stored += stored[event]
        row.lost += not stored[event]
        row.doubled += max(0, stored[event] - 1)
    for fault, bodies in load.poison_of.items():
        rows[fault].sent += len(bodies)
    for letter in letters:
        fault, _ = poison.get(letter.get(b"entry", b"").decode(), ("", b""))
        if fault:
            rows[fault].dead += 1
    return list(rows.values())


async def _poison_entries(redis: Redis, load: Load) -> tuple[dict[str, tuple[str, bytes]], int]:
    """Return the poison of the stream by entry, with the fault it came under, and all entries."""
    bodies = set(load.poison)
    found: dict[str, tuple[str, bytes]] = {}
    waiting: list[tuple[str, bytes]] = []
    length = 0
    async for entry, fields in _pages(redis, EVENTS_ISS.key):
        length += 1
        body = fields[BODY_FIELD]
        if body in bodies:
            waiting.append((entry, body))
        elif waiting and (match := ID_IN_BODY.search(body)):
            # Poison stands before a valid event, which tells the part that both belong to.
            fault = load.accepted[UUID(match[1].decode())]
            found.update((entry, (fault, body)) for entry, body in waiting)
            waiting = []
    return found, length


def _wrong_letters(letters: list[Mapping[bytes, bytes]], entries: Mapping[str, bytes]) -> int:
    missing = dict(entries)
    wrong = 0
    for letter in letters:
        body = missing.pop(letter.get(b"entry", b"").decode(), None)
        good = (
            letter.get(b"stream") == EVENTS_ISS.key.encode()
            and letter.get(b"body") == body
            and letter.get(b"reason")
        )
        wrong += not good
    return wrong + len(missing)


def stored_ids(database_url: str) -> list[UUID]:
    """Return the id of every row of the positions, one that has two rows twice."""
    with psycopg.connect(database_url) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM iss_positions").fetchall()]


def _unlike_rollups(database_url: str) -> int:
    """Count the minutes and hours whose roll-up is not that of their rows."""
    with psycopg.connect(database_url) as connection:
        return sum(
            row[0]
            for unit in ("minute", "hour")
            for row in connection.execute(
                sql.SQL(
                    "SELECT count(*) FROM"
                    " (SELECT date_trunc({unit}, time, 'UTC') AS bucket, count(*) AS samples,"
                    " max(time) AS last_time, max(altitude_km) AS altitude_km_max"
                    " FROM iss_positions GROUP BY 1) AS rows"
                    " FULL JOIN {table} AS rolled USING (bucket)"
                    " WHERE (rows.samples, rows.last_time, rows.altitude_km_max) IS DISTINCT FROM"
                    " (rolled.samples, rolled.last_time, rolled.altitude_km_max)"
                ).format(unit=sql.Literal(unit), table=sql.Identifier(f"iss_positions_{unit}"))
            )
        )


async def _pages(redis: Redis, key: str) -> AsyncIterator[tuple[str, Mapping[bytes, bytes]]]:
    after = "-"
    while True:
        page: Any = await redis.xrange(key, min=after, count=_PAGE)
        for entry, fields in page:
            yield text(entry), fields
        if len(page) < _PAGE:
            return
        after = f"({text(page[-1][0])}"
