"""Putting backups back: row for row, or nothing."""

import tarfile
from pathlib import Path

import psycopg
import pytest
from redis.asyncio import Redis

from libs.common.database import SCHEMA_REVISION
from services.persistence.backup.database import revision
from services.persistence.backup.errors import BackupError, StoppedError
from services.persistence.backup.folder import backups
from services.persistence.backup.restoring import restore
from services.persistence.schema import upgrade
from tests.integration.backups import Eager, contents, fill, restored, taken
from tests.integration.storing import storing
from tests.servers import Servers


async def test_a_backup_comes_back_row_for_row(
    broker_client: Redis, database_url: str, empty_database_url: str, folder: Path
) -> None:
    """Every table, every type, every partition, what is generated and the next number: the same."""
    fill(database_url)
    before = contents(database_url)
    assert all(rows for name, (rows, _) in before.items() if name != "alembic_version")
    made = await taken(broker_client, database_url, folder)
    assert made.path == backups(folder)[0]
    assert made.manifest.rows == sum(rows for rows, _ in before.values())

    done = await restored(broker_client, empty_database_url, made.path)
    assert done.left_out == []
    assert contents(empty_database_url) == before
    for url in (database_url, empty_database_url):
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "INSERT INTO telemetry_legacy (recorded_at, voltage, temp, source_file)"
                " VALUES (now(), 1, 1, '') RETURNING id"
            ).fetchone()
            assert row == (4,)


async def test_a_filled_database_is_not_overwritten(
    broker_client: Redis, database_url: str, folder: Path
) -> None:
    """A database with rows is refused, unless its owner says that it may be replaced."""
    fill(database_url)
    before = contents(database_url)
    made = await taken(broker_client, database_url, folder)
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM space_neo")
        connection.execute("CREATE TABLE by_hand (a int)")
        connection.execute("CREATE VIEW on_it AS SELECT a FROM by_hand")
    changed = contents(database_url)
    with pytest.raises(BackupError, match=r"not empty: .*space_cmes.*FORCE=1"):
        await restored(broker_client, database_url, made.path)
    assert contents(database_url) == changed
    await restored(broker_client, database_url, made.path, replace=True)
    assert contents(database_url) == before


async def test_a_restore_that_broke_off_can_be_started_again(
    broker_client: Redis, database_url: str, empty_database_url: str, folder: Path
) -> None:
    """Broken off in the middle of the rows, it leaves a database that counts as empty."""
    fill(database_url)
    made = await taken(broker_client, database_url, folder)

    def break_off(how_far: str) -> None:
        if how_far.startswith("space_neo"):
            raise StoppedError

    with pytest.raises(StoppedError):
        await restore(
            broker_client, empty_database_url, made.path, replace=False, progress=Eager(break_off)
        )
    assert not any(rows for rows, _ in contents(empty_database_url).values())
    await restored(broker_client, empty_database_url, made.path)
    assert contents(empty_database_url) == contents(database_url)


async def test_a_table_of_somebody_else_is_left_out(
    broker_client: Redis, database_url: str, empty_database_url: str, folder: Path
) -> None:
    """Its rows stand in the backup, and the restore says that it did not make the table."""
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE by_hand AS SELECT 1 AS a")
    made = await taken(broker_client, database_url, folder)
    done = await restored(broker_client, empty_database_url, made.path)
    assert done.left_out == ["by_hand"]
    with tarfile.open(made.path) as archive:
        file = archive.extractfile("by_hand/000001.copy")
        assert file is not None
        assert file.read() == b"1\n"


async def test_a_restore_waits_for_no_service(
    broker_client: Redis,
    valkey_url: str,
    database_url: str,
    empty_database_url: str,
    folder: Path,
) -> None:
    """While persistence reads, or anybody is connected to the database, nothing is changed."""
    made = await taken(broker_client, database_url, folder)
    async with storing(valkey_url, database_url):
        with pytest.raises(BackupError, match=r"persistence-0 .*stop all services"):
            await restored(broker_client, empty_database_url, made.path)
        with pytest.raises(BackupError, match=r"connected to .*: persistence-0 \(process"):
            await restored(broker_client, database_url, made.path)
    with psycopg.connect(empty_database_url) as connection:
        assert revision(connection) is None
    await restored(broker_client, empty_database_url, made.path)


async def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    servers: Servers, broker_client: Redis, empty_database_url: str, folder: Path
) -> None:
    """Rows go into the schema that they were copied from, which then becomes the newest."""
    name = servers.create_database(migrated=False)
    old = servers.database_url(name)
    upgrade(old, "0005")
    fill(old)
    made = await taken(broker_client, old, folder)
    assert made.manifest.schema_revision == "0005"
    await restored(broker_client, empty_database_url, made.path)
    found = contents(empty_database_url)
    assert found.pop("alembic_version") == (0, SCHEMA_REVISION)
    assert {table.name: table.rows for table in made.manifest.tables}.items() <= {
        table: rows for table, (rows, _) in found.items()
    }.items()
    servers.drop_database(name)
