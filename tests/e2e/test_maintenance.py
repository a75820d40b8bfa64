"""Backup and restore on a bare machine: the servers are started for it, and end after it."""

from pathlib import Path

import pytest

from deploy.embedded import folder
from tests.e2e.running import Run
from tests.integration.backups import contents, fill

pytestmark = pytest.mark.timeout(120)


def test_a_backup_moves_a_suite_to_an_empty_folder(
    tmp_path: Path, valkey_url: str, database_url: str
) -> None:
    """A backup of given servers becomes the data of a folder in which nothing ever ran."""
    fill(database_url)
    place = tmp_path / "backups"
    there = Run(
        tmp_path / "there",
        "deploy.embedded",
        {
            "CASSIOPEIA_REDIS_URL": valkey_url,
            "CASSIOPEIA_DATABASE_URL": database_url,
            "CASSIOPEIA_BACKUP_DIR": str(place),
        },
    )
    here = Run(tmp_path / "here", "deploy.embedded", {})
    try:
        done = there.command("backup")
        assert done.returncode == 0, done.stdout
        [first] = place.iterdir()
        done = here.command("restore", str(first))
        assert done.returncode == 0, done.stdout
        assert here.processes() == []
        # What it holds now is seen by moving it on.
        done = here.command("backup")
        assert done.returncode == 0, done.stdout
        [second] = (here.data / "backups").iterdir()
        before = contents(database_url)
        done = there.command("restore", str(second), "--replace")
        assert done.returncode == 0, done.stdout
        assert contents(database_url) == before
    finally:
        here.remove()
        there.remove()


def test_a_running_suite_is_not_restored_into(tmp_path: Path) -> None:
    """While a run has the data folder, a restore changes nothing and says what to do."""
    run = Run(tmp_path / "data", "deploy.embedded", {})
    folder.make(run.data)
    with folder.held(run.data):
        done = run.command("restore", "any")
    assert done.returncode == 1
    assert "end it with `make stop`" in done.stdout
