"""Roll-ups: what the rows really are, whatever comes late, twice, at once, or is refused."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, LiteralString
from urllib.parse import urlsplit

import psycopg
import pytest

from libs.common.clock import SystemClock
from libs.common.consuming.pending import Entry
from libs.common.events import Event, IssPositionEvent, Origin, Provenance, decode
from libs.common.topology import EVENTS_ISS
from services.persistence.handlers import BatchWriter
from services.persistence.schema import upgrade
from tests.factories import LIVE, altered, elements_event, position_event, position_events
from tests.integration.repositories import counted, execute, storing_into
from tests.servers import Servers
from tests.waiting import wait_until

COMPUTED = Provenance("computed:sgp4", Origin.COMPUTED, LIVE.fetched_at)
# The last minutes of a month, so that positions lie in several minutes, hours and months.
BEGIN = datetime(2026, 2, 28, 22, 57, tzinfo=UTC)
_VALUES = ("altitude_km", "velocity_kmh", "latitude_deg")

Grain = Literal["minute", "hour"]
Bucket = dict[str, Any]


def varied(count: int, seed: int) -> list[IssPositionEvent]:
    """Return positions of three hours, some of them of two providers at the same moment."""
    rng = random.Random(seed)
    return [
        position_event(
            # Few enough seconds that many are met twice.
            time=BEGIN + timedelta(seconds=rng.randrange(0, 3 * 3_600, 7)),
            provenance=rng.choice([LIVE, COMPUTED]),
            altitude_km=rng.uniform(410, 430),
            velocity_kmh=rng.uniform(27_500, 27_600),
            latitude_deg=rng.uniform(-52, 52),
            longitude_deg=rng.uniform(-180, 180),
        )
        for _ in range(count)
    ]


def expected(rows: Sequence[IssPositionEvent], grain: Grain) -> list[Bucket]:
    """Return the roll-up of rows, as one would compute it by hand."""
    buckets: dict[datetime, list[IssPositionEvent]] = defaultdict(list)
    for row in rows:
        start = row.time.replace(second=0, microsecond=0)
        buckets[start if grain == "minute" else start.replace(minute=0)].append(row)
    return [_bucket(start, buckets[start]) for start in sorted(buckets)]


def _bucket(start: datetime, rows: Sequence[IssPositionEvent]) -> Bucket:
    last = max(rows, key=lambda row: (row.time, *(getattr(row.data, each) for each in _VALUES)))
    bucket: Bucket = {
        "bucket": start,
        "samples": len(rows),
        "computed_samples": sum(row.origin is Origin.COMPUTED for row in rows),
        "first_time": min(row.time for row in rows),
        "last_time": last.time,
        "longitude_deg_last": last.data.longitude_deg,
    }
    for name in _VALUES:
        values = [getattr(row.data, name) for row in rows]
        bucket |= {
            f"{name}_min": min(values),
            f"{name}_max": max(values),
            # In another order floats add up to something that differs in the last digits.
            f"{name}_sum": pytest.approx(sum(values)),
            f"{name}_last": getattr(last.data, name),
        }
    return bucket


_ROLL_UPS: dict[Grain, LiteralString] = {
    "minute": "SELECT * FROM iss_positions_minute ORDER BY bucket",
    "hour": "SELECT * FROM iss_positions_hour ORDER BY bucket",
}


def rolled_up(database_url: str, grain: Grain) -> list[Bucket]:
    """Return what the database holds."""
    with psycopg.connect(database_url, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(_ROLL_UPS[grain]).fetchall()


def assert_rolled_up(database_url: str, rows: Sequence[IssPositionEvent]) -> None:
    """Assert that the roll-ups are those of exactly these rows."""
    assert rolled_up(database_url, "minute") == expected(rows, "minute")
    assert rolled_up(database_url, "hour") == expected(rows, "hour")


def batches(events: Sequence[Event], rng: random.Random) -> Iterator[list[Event]]:
    """Cut events into batches of any size."""
    rest = list(events)
    while rest:
        size = rng.randint(1, 80)
        yield rest[:size]
        rest = rest[size:]


@pytest.mark.parametrize("seed", range(3))
async def test_roll_ups_are_those_of_the_rows(database_url: str, seed: int) -> None:
    """In any order, in any batches, repeated, and by two replicas at once: the same roll-ups."""
    rng = random.Random(seed)
    events = {event.id: event for event in varied(400, seed)}
    rows = list(events.values())
    arriving: list[Event] = [*rows, *rng.sample(rows, 150)]
    rng.shuffle(arriving)
    async with storing_into(database_url, 2) as one, storing_into(database_url, 2) as other:
        waiting = list(batches(arriving, rng))
        while waiting:
            at_once = [waiting.pop() for _ in range(min(4, len(waiting)))]
            stored = [
                rng.choice((one, other)).store(batch)
                for batch in at_once  # as consumers do, with several in work
            ]
            assert await asyncio.gather(*stored) == [[]] * len(at_once)
    assert_rolled_up(database_url, rows)


async def test_a_late_row_changes_its_bucket_and_not_what_was_last(database_url: str) -> None:
    """A row that comes late counts, and one that comes twice does not."""
    late, *rest = position_events(3)
    async with storing_into(database_url) as repository:
        await repository.store(rest)
        before = rolled_up(database_url, "hour")
        for _ in range(2):
            await repository.store([late])
    after = rolled_up(database_url, "hour")
    assert [bucket["samples"] for bucket in (*before, *after)] == [2, 3]
    assert after[0]["first_time"] == late.time
    assert after[0]["longitude_deg_last"] == before[0]["longitude_deg_last"]
    assert_rolled_up(database_url, [late, *rest])


async def test_what_is_refused_is_not_rolled_up(database_url: str) -> None:
    """The rows of a batch that is halved again and again for a bad one are counted once."""
    events = position_events(100)
    bad = decode(altered(position_event(900), data__name="nul \u0000 inside"))
    async with storing_into(database_url) as repository:
        refused = await repository.store([*events[:37], bad, *events[37:]])
    assert [event for event, _ in refused] == [bad]
    assert_rolled_up(database_url, events)


async def test_roll_ups_are_made_again_from_the_rows(database_url: str) -> None:
    """Rows that came in by another way are in the roll-ups after a rebuild, hour by hour."""
    events = list({event.id: event for event in varied(200, 7)}.values())
    async with storing_into(database_url) as repository:
        await repository.store(events)
    execute(database_url, "TRUNCATE iss_positions_minute, iss_positions_hour")
    execute(database_url, "SELECT rebuild_roll_ups('2026-02-28 23:10Z', '2026-02-28 23:20Z')")
    (hour,) = rolled_up(database_url, "hour")
    assert hour["bucket"] == datetime(2026, 2, 28, 23, tzinfo=UTC)
    for _ in range(2):
        execute(database_url, "SELECT rebuild_roll_ups('-infinity', 'infinity')")
        assert_rolled_up(database_url, events)


def test_rows_of_an_older_release_are_rolled_up_by_the_migration(servers: Servers) -> None:
    """Whoever had positions before there were roll-ups has them for all of their time."""
    database = servers.create_database(migrated=False)
    url = servers.database_url(database)
    upgrade(url, "0005")
    events = position_events(200)
    with psycopg.connect(url) as connection:
        connection.execute("SELECT ensure_month('iss_positions', %s)", (events[0].time.date(),))
        connection.cursor().executemany(
            "INSERT INTO iss_positions (time, id, sequence, fetched_at, origin, provider,"
            " source_url, norad_id, name, latitude_deg, longitude_deg, altitude_km, velocity_kmh,"
            " footprint_km, solar_latitude_deg, solar_longitude_deg, upstream_body)"
            " VALUES (%s, %s, 1, %s, 'live', 'p', 'u', 1, 'n', %s, %s, %s, %s, 1, 1, 1, '{}')",
            [
                (
                    event.time,
                    event.id,
                    event.fetchedat,
                    event.data.latitude_deg,
                    event.data.longitude_deg,
                    event.data.altitude_km,
                    event.data.velocity_kmh,
                )
                for event in events
            ],
        )
    upgrade(url)
    assert_rolled_up(url, events)
    servers.drop_database(database)


async def test_replicas_that_write_the_same_do_not_deadlock(database_url: str) -> None:
    """Batches of the same events in any order, of several tables, all succeed at the first try."""
    rng = random.Random(1)
    async with storing_into(database_url, 4) as repository:
        for turn in range(6):
            # New ones in each turn: only what is inserted is locked until the end of its batch. The
            # same ones for all, and different ones of the same minutes, over a dozen hours.
            same: list[Event] = [
                *(position_event(turn + 60 * index) for index in range(800)),
                *(elements_event(1_000 * turn + index) for index in range(400)),
            ]
            orders = []
            for batch in range(1, 5):
                own = [position_event(turn + 60 * index + 7 * batch) for index in range(200)]
                orders.append(rng.sample([*same, *own], len(same) + len(own)))
            assert await asyncio.gather(*map(repository.store, orders)) == [[]] * 4
    assert execute(
        database_url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ) == [(0,)]


_LOCK_MINUTE: LiteralString = (
    "SELECT FROM iss_positions_minute WHERE bucket = date_trunc('minute', %s, 'UTC') FOR UPDATE"
)


async def _is_waited_for(connection: psycopg.AsyncConnection) -> bool:
    answer = await connection.execute(
        "SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    )
    return await answer.fetchone() is not None


async def test_the_victim_of_a_deadlock_tries_again(servers: Servers, database_url: str) -> None:
    """A batch that the database sacrifices to somebody else's transaction is stored after it."""
    first, second = position_event(0), position_event(60)
    name = urlsplit(database_url).path.removeprefix("/")
    written = counted("written")
    async with (
        storing_into(database_url) as repository,
        # Of two that wait for each other, the one that looks first is the victim; the
        # administrator's session never looks.
        await psycopg.AsyncConnection.connect(
            servers.database_url(name, "postgres"), options="-c deadlock_timeout=60s"
        ) as other,
    ):
        await repository.store([first, second])
        later = [position_event(index) for index in (1, 61)]
        await other.execute(_LOCK_MINUTE, (second.time,))
        entries = [
            Entry(EVENTS_ISS.key, f"{number}-0", event.encode())
            for number, event in enumerate(later, 1)
        ]
        writer = BatchWriter(repository, SystemClock(), asyncio.Event())
        storing = asyncio.create_task(writer(entries))
        await wait_until(lambda: _is_waited_for(other), 10, "a batch that waits")
        await other.execute(_LOCK_MINUTE, (first.time,))
        await other.rollback()
        assert await storing == []
    assert counted("written") - written == 4
    assert execute(
        database_url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ) == [(1,)]
    assert_rolled_up(database_url, [first, second, *later])
