"""The schema: made by whoever comes first, the same for all, and as the code believes it is."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from libs.common.database import READER_ROLE, SCHEMA_REVISION, create_pool
from libs.common.events import Event
from services.ingest_osdr.providers.shipped import shipped_events
from services.persistence.schema import MIGRATIONS, upgrade
from services.persistence.tables import TABLES
from tests.catalogue import image_event, sky_event
from tests.factories import elements_event
from tests.integration.backups import fill
from tests.integration.repositories import storing_into
from tests.servers import CHECKOUT
from tests.waiting import wait_until


def migrate(database_url: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command as an operator does."""
    return subprocess.run(
        [sys.executable, "-m", "services.persistence", "migrate"],
        cwd=CHECKOUT,
        env=os.environ | {"CASSIOPEIA_DATABASE_URL": database_url, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def rows(url: str, statement: LiteralString) -> list[tuple[object, ...]]:
    """Return the rows of a statement."""
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()


COLUMNS: LiteralString = """
    SELECT table_name, column_name, udt_name, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
"""


def test_migrating_twice_changes_nothing(empty_database_url: str) -> None:
    """The second time there is nothing to do, and it ends well like the first."""
    first = migrate(empty_database_url)
    assert first.returncode == 0, first.stderr
    before = rows(empty_database_url, COLUMNS)
    again = migrate(empty_database_url)
    assert again.returncode == 0, again.stderr
    assert before
    assert rows(empty_database_url, COLUMNS) == before


def test_replicas_that_migrate_at_once_do_not_disturb_each_other(empty_database_url: str) -> None:
    """Several processes that find an empty database all end well, and it is migrated once."""
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(migrate, [empty_database_url] * 4))
    assert [each.returncode for each in done] == [0] * 4, [each.stderr for each in done]
    assert rows(empty_database_url, "SELECT version_num FROM alembic_version") == [
        (SCHEMA_REVISION,)
    ]


async def test_nobody_waits_behind_a_migration_that_waits(empty_database_url: str) -> None:
    """While a backup reads a table that is to be altered, batches go on; the schema comes later."""
    url = empty_database_url
    upgrade(url, "0008")

    async def waits() -> bool:
        return bool(rows(url, "SELECT FROM pg_locks WHERE NOT granted"))

    (dataset, *_) = shipped_events()
    with psycopg.connect(url) as backup:
        backup.execute("LOCK TABLE osdr_datasets IN ACCESS SHARE MODE")
        migrating = asyncio.create_task(asyncio.to_thread(upgrade, url))
        await wait_until(waits, 10, "the migration to wait")
        async with storing_into(url) as repository:
            assert await repository.store([dataset]) == []
        assert not migrating.done()
    await migrating
    assert rows(url, "SELECT version_num FROM alembic_version") == [(SCHEMA_REVISION,)]


async def test_rows_from_before_there_were_records_stay(empty_database_url: str) -> None:
    """They have none; what is stored after the migration has what was received."""
    url = empty_database_url
    upgrade(url, "0009")
    fill(url)
    upgrade(url)
    found: LiteralString = """
        SELECT count(*) > 1, count(upstream_body), max(upstream_body::text)::jsonb FROM iss_elements
        UNION ALL
        SELECT count(*) > 1, count(upstream_body), max(upstream_body::text)::jsonb FROM jwst_gallery
        UNION ALL
        SELECT count(*) > 1, count(upstream_body), max(upstream_body::text)::jsonb FROM astro_events
    """
    assert rows(url, found) == [(True, 0, None)] * 3
    records: list[dict[str, Any]] = [{"OBJECT_NAME": "ISS"}, {"mtFlag": None}, {"rise": []}]
    makers: list[Callable[..., Event]] = [elements_event, image_event, sky_event]
    events = [make(1, upstream_body=record) for make, record in zip(makers, records, strict=True)]
    async with storing_into(url) as repository:
        assert await repository.store(events) == []
    assert rows(url, found) == [(True, 1, record) for record in records]


def test_the_code_knows_the_newest_migration() -> None:
    """The revision that services wait for is the last of the migrations, and there is one line."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_REVISION]


def test_a_database_that_is_not_there_is_said_in_a_sentence() -> None:
    """The command ends with 1, and says what it could not reach without the password."""
    done = migrate("postgresql://cassiopeia:correct-horse@127.0.0.1:9/cassiopeia")
    assert done.returncode == 1
    assert "127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr
    assert "correct-horse" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        ([], {"CASSIOPEIA_BATCH_SIZE": "0"}, "CASSIOPEIA_BATCH_SIZE=0: expected greater than"),
        (["migrate"], {"CASSIOPEIA_DATABASE_URL": "nowhere"}, "CASSIOPEIA_DATABASE_URL=***: "),
        (["migrat"], {}, "usage: python -m services.persistence"),
    ],
    ids=["service", "migrate", "usage"],
)
def test_what_is_wrong_with_the_command_is_said(
    arguments: list[str], variables: dict[str, str], message: str
) -> None:
    """A wrong setting or argument ends with 78, and standard error names it in one line."""
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "services.persistence", *arguments],
        cwd=CHECKOUT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 78
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_tables_are_as_the_code_believes(database_url: str) -> None:
    """Every column that is written exists with its type, and every other one fills itself."""
    found = {
        (table, column): (type_, nullable == "YES" or default is not None)
        for table, column, type_, nullable, default in rows(database_url, COLUMNS)
    }
    for table in TABLES:
        written = {(table.name, column.name) for column in table.columns}
        for column in table.columns:
            # The database calls an array of text `_text`.
            known_as = f"_{column.type[:-2]}" if column.type.endswith("[]") else column.type
            assert found[table.name, column.name][0] == known_as, (table.name, column.name)
        for place, (_, fills_itself) in found.items():
            if place[0] == table.name and place not in written:
                assert fills_itself, place


def test_old_clients_find_their_table(database_url: str) -> None:
    """`iss_fetch_log` has exactly the columns and types that clients of the earlier systems ask."""
    assert rows(
        database_url,
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_name = 'iss_fetch_log' ORDER BY ordinal_position",
    ) == [
        ("id", "bigint"),
        ("fetched_at", "timestamp with time zone"),
        ("source_url", "text"),
        ("payload", "jsonb"),
    ]


def test_the_reader_reads_everything_and_writes_nothing(
    database_url: str, reader_database_url: str
) -> None:
    """The gateway's role may select from every table and view, and change none of them."""
    tables = [
        str(table)
        for (table,) in rows(
            database_url,
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
        )
    ]
    assert "iss_positions" in tables
    with psycopg.connect(reader_database_url, autocommit=True) as reader:
        for table in tables:
            statement = psycopg.sql.SQL("SELECT * FROM {}").format(psycopg.sql.Identifier(table))
            reader.execute(statement)
        reader.execute("SET default_transaction_read_only = off")
        for change in (
            "INSERT INTO iss_elements DEFAULT VALUES",
            "DELETE FROM iss_positions",
            "UPDATE alembic_version SET version_num = '0'",
            "TRUNCATE iss_positions",
            "CREATE TABLE mine (a int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(change)


def test_a_partition_of_the_future_can_be_read(database_url: str, reader_database_url: str) -> None:
    """A month that is made while the suite runs is readable without a further grant."""
    with psycopg.connect(database_url) as owner:
        owner.execute("SELECT ensure_month('iss_positions', '2031-05-17')")
    assert rows(reader_database_url, "SELECT * FROM iss_positions_2031_05") == []
    assert rows(reader_database_url, "SELECT * FROM iss_positions") == []


async def test_a_read_only_pool_reads_only(database_url: str) -> None:
    """Whatever role the address logs in with, a read-only pool may select and nothing else."""
    async with create_pool(database_url, name="test", size=1, read_only=True) as pool:
        async with pool.connection() as connection:
            row = await (await connection.execute("SELECT current_user")).fetchone()
            assert row == (READER_ROLE,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            async with pool.connection() as connection:
                await connection.execute("DELETE FROM iss_positions")
