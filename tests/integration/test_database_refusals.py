"""A database that refuses whatever it is given: no event is condemned for it."""

import asyncio
from collections.abc import AsyncIterator
from typing import LiteralString, NamedTuple

import psycopg
import pytest
from redis.asyncio import Redis

from libs.common import metrics
from libs.common.broker import Publisher
from libs.common.clock import SystemClock
from libs.common.consuming.pending import Entry
from libs.common.database import KEEPALIVE, TRANSIENT_ERRORS, Pool
from libs.common.errors import DependencyUnavailableError
from libs.common.topology import EVENTS_ISS, PERSISTENCE
from services.persistence import handlers
from services.persistence.backup.database import connect
from services.persistence.handlers import BatchWriter
from services.persistence.repository import Repository
from tests.factories import position_event, position_events
from tests.integration.consumers import all_done, leave_pending, letters, pending
from tests.integration.repositories import execute, writing
from tests.integration.storing import count, query, storing
from tests.waiting import wait_until

ENTRIES = [Entry(EVENTS_ISS.key, "1772366400000-0", position_event().encode())]


class Fault(NamedTuple):
    """How a database comes to refuse every row, and how it is put right."""

    cause: LiteralString
    cure: LiteralString


FAULTS = [
    pytest.param(
        Fault(
            "REVOKE INSERT ON iss_positions FROM CURRENT_USER",
            "GRANT INSERT ON iss_positions TO CURRENT_USER",
        ),
        id="right revoked",
    ),
    pytest.param(
        Fault(
            "ALTER TABLE iss_positions RENAME TO elsewhere",
            "ALTER TABLE elsewhere RENAME TO iss_positions",
        ),
        id="table missing",
    ),
]


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """One connection to a fresh database."""
    async with writing(database_url) as opened:
        yield opened


async def set_in_session(pool: Pool, statement: LiteralString) -> None:
    """Change a setting of the pool's only connection."""
    async with pool.connection() as connection:
        await connection.execute(statement)


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_no_row_can_help_makes_no_letter(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str, fault: Fault
) -> None:
    """Entries that were refused alone wait; when the database is put right, all are rows."""

    def refusals() -> float:
        labels = {"stream": EVENTS_ISS.key, "group": PERSISTENCE, "result": "failed"}
        return metrics.REGISTRY.get_sample_value("cassiopeia_stream_entries_total", labels) or 0.0

    async def cured() -> bool:
        try:
            await query(database_url, fault.cure)
        except psycopg.errors.InternalError_:  # "tuple concurrently updated": a month is made
            return False
        return True

    before = refusals()
    await query(database_url, fault.cause)
    await publisher.publish(position_events(3))
    # The restarted replica takes what it held, each entry alone.
    await leave_pending(broker_client, "persistence-0")
    async with storing(
        valkey_url,
        database_url,
        max_deliveries=1,
        reclaim_idle_seconds=1,
        reclaim_every_seconds=0.1,
    ):
        await wait_until(lambda: refusals() > before, 10, "a refusal")
        assert await pending(broker_client) == 3
        assert await letters(broker_client) == []
        await wait_until(cured, 5, "the cure")
        await wait_until(lambda: all_done(broker_client), 20, "an empty stream")
    assert await count(database_url) == 3
    assert await letters(broker_client) == []


async def test_a_read_only_database_is_waited_for(pool: Pool) -> None:
    """It is away, like one that is down: the batch is kept, until the process stops."""
    await set_in_session(pool, "SET default_transaction_read_only = on")
    stop = asyncio.Event()
    stop.set()
    with pytest.raises(DependencyUnavailableError, match="stopped while waiting"):
        await BatchWriter(Repository(pool), SystemClock(), stop)(ENTRIES)
    await set_in_session(pool, "SET default_transaction_read_only = off")
    assert await BatchWriter(Repository(pool), SystemClock(), stop)(ENTRIES) == []


async def test_a_stop_ends_the_waiting(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that waits for its database ends when it is asked to, not after its pause."""
    monkeypatch.setattr(handlers, "FIRST_PAUSE_S", 3_600.0)
    monkeypatch.setattr(handlers, "_LONGEST_PAUSE_S", 3_600.0)
    await set_in_session(pool, "SET default_transaction_read_only = on")
    stop = asyncio.Event()
    writing_batch = asyncio.create_task(BatchWriter(Repository(pool), SystemClock(), stop)(ENTRIES))
    await wait_until(lambda: pool.get_stats()["requests_num"] >= 2, 5, "a try")
    await wait_until(lambda: pool.get_stats()["pool_available"] == 1, 5, "the end of the try")
    stop.set()
    with pytest.raises(DependencyUnavailableError, match="stopped while waiting"):
        await asyncio.wait_for(writing_batch, 10)


async def test_a_batch_that_takes_too_long_is_halved(pool: Pool, database_url: str) -> None:
    """What our own time limit cancels is tried in smaller parts, and nothing is refused."""
    execute(
        database_url,
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END $$;"
        "CREATE TRIGGER linger BEFORE INSERT ON iss_positions"
        " FOR EACH ROW EXECUTE FUNCTION linger()",
    )
    repository = Repository(pool)
    await repository.store([position_event(0)])
    await set_in_session(pool, "SET statement_timeout = '500ms'")
    assert await repository.store(position_events(8)) == []
    assert await count(database_url) == 8


async def test_a_batch_that_waits_for_a_lock_is_neither_refused_nor_halved(
    pool: Pool, database_url: str
) -> None:
    """Somebody's lock is nobody's fault: all of the batch is to be tried again, after one wait."""
    repository = Repository(pool)
    await repository.store([position_event(0)])
    await set_in_session(pool, "SET lock_timeout = '100ms'")
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute("LOCK TABLE iss_positions")
        with pytest.raises(TRANSIENT_ERRORS) as waited:
            await repository.store(position_events(64))
        assert isinstance(waited.value, psycopg.errors.LockNotAvailable)
    assert await repository.store(position_events(64)) == []
    assert await count(database_url) == 64


async def test_every_connection_notices_a_silent_death(pool: Pool, database_url: str) -> None:
    """A host that vanished without a word is found by the kernel, in the pool as in backups."""
    expected = {name: str(value) for name, value in KEEPALIVE.items()}
    async with pool.connection() as connection:
        assert expected.items() <= connection.info.get_parameters().items()
    with connect(database_url, "test") as own:
        assert expected.items() <= own.info.get_parameters().items()
