"""Counts what became of the events: rows, entries that nobody acknowledged, dead letters."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from redis.asyncio import Redis

from libs.common.broker import BODY_FIELD, text
from libs.common.topology import EVENTS_DEAD, EVENTS_ISS, PERSISTENCE
from tests.chaos.load import Load
from tests.chaos.scenario import Report

_PAGE = 1_000


class GroupState(NamedTuple):
    """How far the group of persistence is."""

    last: tuple[int, int]
    """The newest entry of the stream."""
    acknowledged_up_to: tuple[int, int]
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
    groups: Any = await redis.xinfo_groups(EVENTS_ISS.key)
    last = _entry_id(stream["last-generated-id"])
    for group in groups:
        if text(group["name"]) != PERSISTENCE:
            continue
        delivered = _entry_id(group["last-delivered-id"])
        lag = group["lag"]
        if lag is None:
            # The broker lost count, as it may after a restart: counted by hand.
            unread: Any = await redis.xrange(EVENTS_ISS.key, min=f"({delivered[0]}-{delivered[1]}")
            lag = len(unread)
        if not group["pending"]:
            return GroupState(last, delivered, int(lag), 0)
        pending: Any = await redis.xpending(EVENTS_ISS.key, PERSISTENCE)
        if not pending["pending"]:
            return GroupState(last, delivered, int(lag), 0)
        first = _entry_id(pending["min"])
        return GroupState(last, (first[0], first[1] - 1), int(lag), int(pending["pending"]))
    return GroupState(last, (0, 0), int(stream["length"]), 0)


async def audit(redis: Redis, database_url: str, load: Load) -> Report:
    """Compare what was accepted with what is stored and what is dead, entry by entry."""
    rows = await asyncio.to_thread(_stored_ids, database_url)
    poison = set(load.poison)
    entries = {entry: body async for entry, body in _entries(redis) if body in poison}
    length = await redis.xlen(EVENTS_ISS.key)
    letters = [fields async for _, fields in _pages(redis, EVENTS_DEAD.key)]
    state = await group_state(redis)
    stored, accepted = set(rows), load.accepted
    report = Report(
        sent=len(accepted) + len(load.poison),
        stored=len(rows),
        lost=len(accepted - stored),
        doubled=len(rows) - len(stored),
        dead=len(letters),
    )
    twice = len(entries) - len(load.poison)
    report.check("every accepted event has a row: missing", report.lost, 0)
    report.check("every row is of an accepted event: others", len(stored - accepted), 0)
    report.check("no event has two rows: doubled", report.doubled, 0)
    report.check("nothing is pending", state.pending, 0)
    report.check("nothing is unread: lag", state.unread, 0)
    report.check("each poison entry is a dead letter, once", len(letters), len(load.poison) + twice)
    report.check(
        "each letter has stream, entry, reason and the original bytes: wrong",
        _wrong_letters(letters, entries),
        0,
    )
    report.remarks.append(
        f"the stream holds {length:,} entries for {report.sent:,} events:"
        f" {length - report.sent:,} accepted twice, {twice} of them poison"
    )
    return report


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


def _stored_ids(database_url: str) -> list[UUID]:
    with psycopg.connect(database_url) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM iss_positions").fetchall()]


async def _entries(redis: Redis) -> AsyncIterator[tuple[str, bytes]]:
    async for entry, fields in _pages(redis, EVENTS_ISS.key):
        yield entry, fields[BODY_FIELD]


async def _pages(redis: Redis, key: str) -> AsyncIterator[tuple[str, Mapping[bytes, bytes]]]:
    after = "-"
    while True:
        page: Any = await redis.xrange(key, min=after, count=_PAGE)
        for entry, fields in page:
            yield text(entry), fields
        if len(page) < _PAGE:
            return
        after = f"({text(page[-1][0])}"


def _entry_id(value: bytes | str) -> tuple[int, int]:
    milliseconds, _, number = text(value).partition("-")
    return int(milliseconds), int(number)
