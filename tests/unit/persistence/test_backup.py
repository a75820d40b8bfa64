"""What of backups needs no server: names, and when they are due."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from libs.common.errors import DependencyUnavailableError
from services.persistence.backup.folder import backups, taken_at
from services.persistence.backup.schedule import Failures, until_due

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_the_first_backup_is_due_at_once() -> None:
    """Nothing is waited for where there is no backup yet, or where the last one is too old."""
    assert until_due(None, DAY, NOW) == timedelta(0)
    assert until_due(NOW - 2 * DAY, DAY, NOW) == timedelta(0)


def test_a_backup_is_due_before_the_period_is_over() -> None:
    """With a period of a day a backup is complete while the streams still have the whole day."""
    waits = [until_due(NOW, DAY, NOW) for _ in range(1_000)]
    assert 0.9 * DAY <= min(waits) < max(waits) <= 0.95 * DAY


def test_a_backup_of_the_future_stops_no_schedule() -> None:
    """After the clock was a year ahead, the next backup is taken within a period."""
    assert until_due(NOW + 365 * DAY, DAY, NOW) == DAY


async def test_what_keeps_failing_is_tried_ever_less_often() -> None:
    """The pause doubles up to five minutes, and a backup ends the matter."""
    failures = Failures()
    pauses = [failures.add("the disk is full").total_seconds() for _ in range(100)]
    assert pauses[:6] == [10, 20, 40, 80, 160, 300]
    assert set(pauses[6:]) == {300}
    with pytest.raises(DependencyUnavailableError, match="last backup failed: the disk is full"):
        await failures.check()
    failures.clear()
    await failures.check()
    assert failures.add("again").total_seconds() == 10


def test_only_finished_backups_are_counted(tmp_path: Path) -> None:
    """Names of another form are somebody else's files."""
    names = ["cassiopeia-20260301T120000Z.tar.gz", "cassiopeia-20251231T000000Z.tar.gz"]
    others = ["cassiopeia-20260302T120000Z.tar.gz.partial", "cassiopeia-x.tar.gz", "notes"]
    for name in names + others:
        (tmp_path / name).touch()
    assert [path.name for path in backups(tmp_path)] == sorted(names)
    assert taken_at(tmp_path / names[0]) == NOW
