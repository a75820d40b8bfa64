"""Taking backups: of one moment, whole or not there, the newest kept."""

from pathlib import Path

import psycopg
import pytest
from redis.asyncio import Redis

from libs.common.clock import SystemClock
from services.persistence.backup import database
from services.persistence.backup.database import tables
from services.persistence.backup.errors import BackupError, StoppedError
from services.persistence.backup.folder import backups, held
from services.persistence.backup.progress import Progress
from services.persistence.backup.taking import take
from tests.integration.backups import Eager, contents, fill, taken


def names(folder: Path) -> list[str]:
    """Return the names of all files in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def test_rows_of_a_backup_are_of_one_moment(
    broker_client: Redis, database_url: str, folder: Path
) -> None:
    """What is written while a backup copies is in none of its tables, whichever comes first."""
    fill(database_url)
    before = contents(database_url)

    def interfere(_: str) -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE iss_elements SET object_name = 'changed'")
            connection.execute("DELETE FROM space_neo")

    made = await take(
        broker_client,
        database_url,
        folder,
        keep=1,
        clock=SystemClock(),
        progress=Eager(interfere),
    )
    assert contents(database_url) != before
    with psycopg.connect(database_url) as connection:
        left = {table.name for table in tables(connection)}
    counted = {table.name: table.rows for table in made.manifest.tables}
    assert counted == {name: rows for name, (rows, _) in before.items() if name in left}


async def test_the_newest_are_kept(broker_client: Redis, database_url: str, folder: Path) -> None:
    """Older ones go when a new one is complete, other files stay, and a name is not used twice."""
    made = [await taken(broker_client, database_url, folder, keep=3) for _ in range(3)]
    (folder / "cassiopeia-notes.tar.gz").touch()
    made += [await taken(broker_client, database_url, folder, keep=3) for _ in range(2)]
    assert backups(folder) == [each.path for each in made[2:]]
    assert [each.removed for each in made] == [0, 0, 0, 1, 1]
    assert (folder / "cassiopeia-notes.tar.gz").exists()
    assert {path.stat().st_mode & 0o777 for path in backups(folder)} == {0o600}


async def test_one_backup_at_a_time(broker_client: Redis, database_url: str, folder: Path) -> None:
    """A second one says so and ends; what a killed one left unfinished is removed by the next."""
    with held(folder), pytest.raises(BackupError, match="another backup is being written"):
        await taken(broker_client, database_url, folder)
    assert backups(folder) == []
    (folder / "cassiopeia-20260301T000000Z.tar.gz.partial").touch()
    await taken(broker_client, database_url, folder)
    assert names(folder) == [path.name for path in backups(folder)]


async def test_a_schema_that_is_being_altered_is_no_moment_for_a_backup(
    broker_client: Redis, database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a table is locked for altering, the backup says so and leaves nothing."""
    monkeypatch.setattr(database, "LOCK_TIMEOUT_S", 0.1)
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK TABLE iss_elements IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BackupError, match=r"being altered .*try again"):
            await taken(broker_client, database_url, folder)
    assert names(folder) == []


async def test_a_stop_leaves_nothing_behind(
    broker_client: Redis, database_url: str, folder: Path
) -> None:
    """A backup that is stopped in the middle leaves no file, and the older ones as they are."""
    fill(database_url)
    first = await taken(broker_client, database_url, folder)
    with pytest.raises(StoppedError):
        await take(
            broker_client,
            database_url,
            folder,
            keep=1,
            clock=SystemClock(),
            progress=Progress(print, lambda: True),
        )
    assert names(folder) == [first.path.name]
