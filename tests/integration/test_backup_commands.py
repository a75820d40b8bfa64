"""Backups as a person and a supervisor start them: what is said, exit codes, the schedule."""

import json
import os
import shlex
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from libs.common import metrics
from libs.common.errors import DependencyUnavailableError
from libs.common.runtime import Runtime
from services.persistence.backup.folder import backups, taken_at
from services.persistence.backup.schedule import bootstrap
from services.persistence.backup.settings import BackupSettings
from tests.integration.backups import contents, fill
from tests.processes import ServiceProcess
from tests.servers import CHECKOUT, Servers
from tests.waiting import wait_until

Environment = dict[str, str]


@pytest.fixture
def environment(valkey_url: str, database_url: str, tmp_path: Path) -> Environment:
    """What the commands are told."""
    return {
        "CASSIOPEIA_REDIS_URL": valkey_url,
        "CASSIOPEIA_DATABASE_URL": database_url,
        "CASSIOPEIA_BACKUP_DIR": str(tmp_path / "backups"),
    }


def command(
    environment: Environment, *arguments: str, limit: str = "true"
) -> subprocess.CompletedProcess[str]:
    """Run a command of persistence, after what a shell is told to limit."""
    line = shlex.join([sys.executable, "-m", "services.persistence", *arguments])
    return subprocess.run(  # noqa: S603 - our own command line
        ["/bin/sh", "-c", f"{limit}; exec {line}"],
        cwd=CHECKOUT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_there_and_back(environment: Environment, database_url: str, tmp_path: Path) -> None:
    """Each command ends in a sentence that says what it did, and with 0."""
    fill(database_url)
    before = contents(database_url)
    rows = sum(count for count, _ in before.values())
    done = command(environment, "backup")
    assert (done.returncode, done.stderr) == (0, "")
    [path] = backups(tmp_path / "backups")
    assert done.stdout.startswith(f"backup: {path}: ")
    assert f" {rows} rows of " in done.stdout
    assert done.stdout.count("\n") == 1

    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM space_neo")
    done = command(environment, "restore", str(path), "--replace")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"restore: {rows} rows of " in done.stdout
    assert contents(database_url) == before


def test_a_full_disk_leaves_the_older_backups(
    environment: Environment, database_url: str, tmp_path: Path
) -> None:
    """Where the new one does not fit, nothing of it stays, and one sentence says what to do."""
    folder = tmp_path / "backups"
    command(environment, "backup")
    [first] = backups(folder)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO iss_positions_minute SELECT now() - make_interval(mins => n), 1, 0,"
            " now(), now(), random(), random(), random(), random(), random(), random(), random(),"
            " random(), random(), random(), random(), random(), random()"
            " FROM generate_series(1, 5000) AS n"
        )
    # The kernel refuses to let a file grow above 200 blocks of 512 bytes.
    done = command(environment | {"CASSIOPEIA_BACKUP_KEEP": "1"}, "backup", limit="ulimit -f 200")
    assert done.returncode == 1
    assert f"backup: there is no room left in {folder}" in done.stderr
    assert "CASSIOPEIA_BACKUP_DIR" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(folder.iterdir()) == [first]


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "message"),
    [
        (["backup"], {"CASSIOPEIA_BACKUP_KEEP": "0"}, 78, "CASSIOPEIA_BACKUP_KEEP=0: expected"),
        (["backup"], {"CASSIOPEIA_BACKUP_DIR": "/dev/null/x"}, 1, "/dev/null/x: Not a directory"),
        (
            ["backup"],
            {"CASSIOPEIA_DATABASE_URL": "postgresql://a:correct-horse@127.0.0.1:9/b"},
            1,
            "start it, or correct CASSIOPEIA_DATABASE_URL",
        ),
        (["backup", "--every", "1w"], {}, 2, "such as 30m, 24h or 7d"),
        (["restore", "missing"], {}, 1, "missing cannot be read: No such file"),
        (["restore"], {}, 2, "the following arguments are required: file"),
    ],
)
def test_what_is_wrong_is_said(
    environment: Environment,
    arguments: list[str],
    variables: Environment,
    code: int,
    message: str,
) -> None:
    """A wrong setting, argument or address ends the command; standard error says what it was."""
    done = command(environment | variables, *arguments)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "correct-horse" not in done.stderr + done.stdout


async def test_a_schedule_goes_on_over_restarts(
    environment: Environment, database_url: str, tmp_path: Path
) -> None:
    """The first backup is taken at once, a restart takes none that is not due; stops end in 0."""
    folder = tmp_path / "backups"
    fill(database_url)
    process = ServiceProcess(
        "backup",
        environment=environment,
        log=tmp_path / "backup.log",
        command=("-m", "services.persistence", "backup", "--every", "24h"),
    )
    await process.start_ready()
    await wait_until(lambda: backups(folder), 20, "the first backup")
    assert await process.stop() == 0, process.last_lines()
    process.log.unlink()
    await process.start_ready()
    pause = await wait_until(lambda: _pause_s(process.log), 20, "the next time")
    assert pause > 20 * 3_600
    assert await process.stop() == 0
    assert len(backups(folder)) == 1


async def test_a_schedule_stops_while_the_database_hangs(
    environment: Environment, database_url: str, tmp_path: Path, servers: Servers
) -> None:
    """A backup that waits for the database ends with its process, and leaves nothing behind."""
    process = ServiceProcess(
        "backup",
        environment=environment,
        log=tmp_path / "backup.log",
        command=("-m", "services.persistence", "backup", "--every", "24h"),
    )
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK TABLE space_neo IN ACCESS EXCLUSIVE MODE")
        await process.start()
        await wait_until(lambda: _waiting(database_url), 20, "a backup that waits")
        with servers.postgres.frozen():
            assert await process.stop() == 0, process.last_lines()
    assert "ended_by_force" not in process.log.read_text()
    assert list((tmp_path / "backups").iterdir()) == []


def _waiting(database_url: str) -> bool:
    with psycopg.connect(database_url) as connection:
        waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return connection.execute(waiting).fetchone() is not None


def _pause_s(log: Path) -> int | None:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return next((line["in_s"] for line in lines if line["event"] == "backup_scheduled"), None)


async def test_what_operators_watch(environment: Environment, tmp_path: Path) -> None:
    """The newest backup's time, size and duration are metrics; a failure is counted and told."""
    settings = BackupSettings(
        redis_url=environment["CASSIOPEIA_REDIS_URL"],
        database_url=environment["CASSIOPEIA_DATABASE_URL"],
        backup_dir=tmp_path / "backups",
    )

    def read(name: str) -> float:
        return metrics.REGISTRY.get_sample_value(f"cassiopeia_{name}") or 0.0

    runtime = Runtime()
    async with bootstrap(settings, runtime, every=timedelta(hours=1)):
        await wait_until(lambda: backups(settings.backup_dir), 20, "a backup")
        await runtime.checks["last_backup"]()
        runtime.stop.set()
    [path] = backups(settings.backup_dir)
    began = taken_at(path)
    assert began is not None
    assert 0 <= read("backup_last_success_timestamp_seconds") - began.timestamp() < 1
    assert read("backup_size_bytes") == path.stat().st_size
    assert read("backup_duration_seconds") > 0

    failed = read("backups_failed_total")
    nowhere = settings.model_copy(update={"backup_dir": Path("/dev/null/x")})
    runtime = Runtime()
    async with bootstrap(nowhere, runtime, every=timedelta(hours=1)):
        await wait_until(lambda: read("backups_failed_total") == failed + 1, 20, "a failure")
        with pytest.raises(DependencyUnavailableError, match="/dev/null/x: Not a directory"):
            await runtime.checks["last_backup"]()
        runtime.stop.set()
    assert runtime.failure is None
