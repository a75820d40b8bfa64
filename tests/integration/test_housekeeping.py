"""Months made ahead, and what is older than its retention: gone, refused, and not counted twice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from redis.asyncio import Redis

from libs.common.broker import Publisher
from libs.common.database import Pool
from services.persistence.housekeeping import HOUSEKEEPING_LOCK, ROWS_PER_STEP, Housekeeper
from services.persistence.repository import Repository
from services.persistence.retention import floor_of
from tests.factories import elements_event, position_event
from tests.integration.consumers import all_done, letters
from tests.integration.repositories import counted, execute, storing_into, writing
from tests.integration.storing import query, storing
from tests.waiting import wait_until

MONTH = timedelta(days=30)
NOW = datetime.now(UTC)
FLOOR = floor_of(NOW, MONTH)
OLD = [FLOOR - timedelta(days=80), FLOOR - timedelta(microseconds=1)]
KEPT = [FLOOR, NOW]


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Two connections to a fresh database."""
    async with writing(database_url, 2) as opened:
        yield opened


def partitions(database_url: str) -> list[str]:
    """Return the months that there are, in order."""
    found = execute(
        database_url,
        "SELECT inhrelid::regclass::text FROM pg_inherits"
        " WHERE inhparent = 'iss_positions'::regclass ORDER BY 1",
    )
    return [str(name) for (name,) in found]


def name_of(month: date) -> str:
    """Return the name of a month's partition."""
    return f"iss_positions_{month:%Y_%m}"


def times(database_url: str) -> list[object]:
    """Return the times of all positions, in order."""
    return [time for (time,) in execute(database_url, "SELECT time FROM iss_positions ORDER BY 1")]


def samples(database_url: str) -> list[tuple[object, ...]]:
    """Return how many positions each hour says that it had."""
    return execute(database_url, "SELECT bucket, samples FROM iss_positions_hour ORDER BY 1")


async def keep(pool: Pool, **retention: timedelta | None) -> None:
    """Do the housekeeping once."""
    await Housekeeper(pool, retention).keep()


async def test_this_month_and_the_next_are_made_ahead(pool: Pool, database_url: str) -> None:
    """The first batch of a month finds its partition there; doing it again changes nothing."""
    for _ in range(2):
        await keep(pool)
        following = (NOW.replace(day=1) + timedelta(days=32)).date()
        assert partitions(database_url) == [name_of(NOW), name_of(following)]


async def test_old_months_go_and_their_roll_ups_stay(pool: Pool, database_url: str) -> None:
    """Whole months below the floor are dropped; everything from the floor on is kept."""
    await Repository(pool).store([position_event(time=time) for time in OLD + KEPT])
    before = samples(database_url)
    await keep(pool, iss_positions=MONTH, iss_positions_minute=None, iss_positions_hour=None)
    assert times(database_url) == KEPT
    assert not {name_of(time) for time in OLD} & {*partitions(database_url)}
    assert samples(database_url) == before
    assert len(before) == len(OLD + KEPT)


async def test_a_partition_by_another_name_is_kept_by_its_bounds(
    pool: Pool, database_url: str
) -> None:
    """What somebody attached goes when all of it is below the floor, and not for its name."""
    execute(
        database_url,
        "CREATE TABLE archive_1998 PARTITION OF iss_positions"
        " FOR VALUES FROM ('1998-01-01 00:00Z') TO ('1999-01-01 00:00Z')",
    )
    execute(
        database_url,
        "CREATE TABLE archive_2020 PARTITION OF iss_positions"
        " FOR VALUES FROM ('2198-01-01 00:00Z') TO (MAXVALUE)",
    )
    await Repository(pool).store([position_event(time=time) for time in KEPT])
    await keep(pool, iss_positions=MONTH)
    assert times(database_url) == KEPT
    found = partitions(database_url)
    assert "archive_2020" in found
    assert "archive_1998" not in found


async def test_what_comes_too_late_is_counted_and_left_out(pool: Pool, database_url: str) -> None:
    """An event of a dropped month is no error, makes no month, and changes no roll-up.

    That holds for another replica, too, which knows the month from before it was dropped, and
    for events that were stored already: nothing could tell that they are repeated.
    """
    async with storing_into(database_url) as other:
        await other.store([position_event(time=time) for time in OLD])
        await keep(pool, iss_positions=MONTH)
        months, before = partitions(database_url), samples(database_url)
        expired, repeated = counted("expired"), counted("repeated")
        late = [*OLD, OLD[0] + timedelta(seconds=1)]
        for replica in (other, Repository(pool)):
            events = [position_event(time=time) for time in (*late, NOW)]
            assert await replica.store(events) == []
    assert times(database_url) == [NOW]
    assert partitions(database_url) == months
    assert [bucket for bucket in samples(database_url) if bucket in before] == before
    assert counted("expired") - expired == 2 * len(late)
    assert counted("repeated") - repeated == 1


async def test_a_floor_only_rises(pool: Pool, database_url: str) -> None:
    """A longer retention later does not let in again what would be counted twice."""
    await keep(pool, iss_positions=MONTH)
    await keep(pool, iss_positions=100 * MONTH)
    await keep(pool, iss_positions=None)
    await Repository(pool).store([position_event(time=OLD[0])])
    assert times(database_url) == []


async def test_a_month_that_somebody_dropped_is_made_again(pool: Pool, database_url: str) -> None:
    """Rows of a partition that was dropped by hand are stored, and not refused one by one."""
    repository = Repository(pool)
    await repository.store([position_event(0)])
    execute(database_url, "DROP TABLE iss_positions_2026_03")
    events = [position_event(index) for index in range(1, 4)]
    assert await repository.store(events) == []
    assert times(database_url) == [event.time for event in events]


async def test_tables_without_partitions_lose_rows_in_steps(pool: Pool, database_url: str) -> None:
    """Roll-ups and elements below the floor go however many they are, and only they."""
    execute(
        database_url,
        "INSERT INTO iss_positions_minute SELECT now() - interval '1 year' - n * interval '1 min',"
        " 1, 0, now(), now(), 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1"
        " FROM generate_series(-1, 10001) AS n",
    )
    assert ROWS_PER_STEP * 2 < 10_001
    old = elements_event(epoch=OLD[0])
    await Repository(pool).store(
        [position_event(time=NOW), old, elements_event(epoch=KEPT[1], element_set_number=1)]
    )
    await keep(pool, iss_positions=MONTH, iss_positions_minute=MONTH, iss_elements=MONTH)
    expired = counted("expired", "iss_elements")
    await Repository(pool).store([old])
    assert counted("expired", "iss_elements") - expired == 1
    for statement in (
        "SELECT count(*) FROM iss_positions_minute",
        "SELECT count(*) FROM iss_elements",
        "SELECT count(*) FROM iss_positions_hour",
    ):
        assert execute(database_url, statement) == [(1,)], statement


async def test_one_replica_at_a_time_removes(pool: Pool, database_url: str) -> None:
    """Two that come at once do no harm; one that finds another at work leaves it alone."""
    await Repository(pool).store([position_event(time=time) for time in OLD + KEPT])
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute("SELECT pg_advisory_xact_lock(%s)", (HOUSEKEEPING_LOCK,))
        await keep(pool, iss_positions=MONTH)
        assert times(database_url) == OLD + KEPT
    await asyncio.gather(*(keep(pool, iss_positions=MONTH) for _ in range(2)))
    assert times(database_url) == KEPT


async def test_a_long_query_delays_the_dropping_and_not_the_batches(
    pool: Pool, database_url: str
) -> None:
    """While somebody reads an old month, it stays; new rows are written, and new months made."""
    repository = Repository(pool)
    await repository.store([position_event(time=time) for time in OLD])
    async with await psycopg.AsyncConnection.connect(database_url) as reader:
        await reader.execute("SELECT count(*) FROM iss_positions")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await keep(pool, iss_positions=MONTH)
        assert await repository.store([position_event(time=NOW)]) == []
    assert times(database_url) == [*OLD, NOW]
    await keep(pool, iss_positions=MONTH)
    assert times(database_url) == [NOW]


async def test_a_table_that_is_held_keeps_no_other_waiting(pool: Pool, database_url: str) -> None:
    """What is old goes from the other tables, and the refusal is told at the end."""
    old = elements_event(epoch=OLD[0])
    await Repository(pool).store([*(position_event(time=time) for time in OLD), old])
    async with await psycopg.AsyncConnection.connect(database_url) as reader:
        await reader.execute("SELECT count(*) FROM iss_positions")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await keep(pool, iss_positions=MONTH, iss_elements=MONTH)
    assert times(database_url) == OLD
    assert execute(database_url, "SELECT count(*) FROM iss_elements") == [(0,)]


async def test_the_service_keeps_its_tables(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """Running persistence drops what is old, acknowledges what is late, and makes months ahead."""
    async with storing_into(database_url) as repository:
        await repository.store([position_event(time=OLD[0])])

    async def is_dropped() -> bool:
        return name_of(OLD[0]) not in partitions(database_url)

    async with storing(valkey_url, database_url, retention_iss_positions="30d"):
        await wait_until(is_dropped, 10, "the old month to go")
        await publisher.publish([position_event(time=time) for time in OLD + KEPT])
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
    assert await query(database_url, "SELECT time FROM iss_positions ORDER BY 1") == [
        (time,) for time in KEPT
    ]
    assert await letters(broker_client) == []
