"""Backups on a schedule, in a process that runs like a service."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from redis.asyncio import Redis

from libs.common import metrics
from libs.common.broker import connect
from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.errors import CassiopeiaError, DependencyUnavailableError
from libs.common.logging import get_logger
from libs.common.runtime import Runtime
from libs.common.tasks import sleep_or_stop
from libs.common.topology import EVENT_STREAMS
from services.persistence.backup import folder
from services.persistence.backup.progress import Progress
from services.persistence.backup.settings import BackupSettings
from services.persistence.backup.taking import take

_log = get_logger(__name__)

# The next backup starts after this part of the period. It is less than 1 so that with a period of a
# day the next backup is complete before the streams, which keep entries for a day, trim those that
# were stored after the last one. It is random so that many suites do not use one disk at once.
_SHORTEST, _LONGEST = 0.90, 0.95
# The back-off after failures, doubled each time. Short at first, because at the first start the
# schema exists within seconds; long later, because a full disk stays full.
_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=10), timedelta(minutes=5)


@asynccontextmanager
async def bootstrap(
    settings: BackupSettings, runtime: Runtime, *, every: timedelta, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[None]:
    """Take backups while the body runs; one that is being taken at its end is given up."""
    shortest = min(stream.retention for stream in EVENT_STREAMS)
    if every > shortest:
        _log.warning(
            "backups_are_far_apart",
            every=str(every),
            reason=f"streams keep what was stored for {shortest}: a restore cannot replay more",
        )
    redis = connect(settings.redis_url.get_secret_value(), "cassiopeia-backup")
    failures = Failures()
    # So that a health check, too, shows that backups are failing.
    runtime.checks["last_backup"] = failures.check
    try:
        task = runtime.spawn(
            "backups", _take_forever(settings, runtime, redis, every, clock, failures)
        )
        yield
        await asyncio.wait([task])
    finally:
        await redis.aclose()


class Failures:
    """The failures since the last backup that succeeded."""

    def __init__(self) -> None:
        self._reason: str | None = None
        self._pause = _FIRST_RETRY

    def add(self, reason: str) -> timedelta:
        """Note a failure; return how long to wait before the next try."""
        self._reason = reason
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_RETRY)
        return pause

    def clear(self) -> None:
        """Note a backup that succeeded."""
        self._reason, self._pause = None, _FIRST_RETRY

    async def check(self) -> None:
        """Check that the last backup did not fail.

        Raises:
            DependencyUnavailableError: It failed; the message says why.
        """
        if self._reason is not None:
            raise DependencyUnavailableError(f"the last backup failed: {self._reason}")


async def _take_forever(
    settings: BackupSettings,
    runtime: Runtime,
    redis: Redis,
    every: timedelta,
    clock: Clock,
    failures: Failures,
) -> None:
    progress = Progress(lambda text: _log.info("backup", step=text), runtime.stop.is_set)
    # After a restart, no backup is taken before it is due.
    wait = until_due(_newest(settings.backup_dir), every, clock.now())
    while True:
        _log.info("backup_scheduled", in_s=round(wait.total_seconds()))
        await sleep_or_stop(wait.total_seconds(), runtime.stop)
        if runtime.stop.is_set():
            return
        try:
            taken = await take(
                redis,
                settings.database_url.get_secret_value(),
                settings.backup_dir,
                keep=settings.backup_keep,
                clock=clock,
                progress=progress,
            )
        except CassiopeiaError as error:
            if runtime.stop.is_set():
                return
            metrics.BACKUPS_FAILED.inc()
            wait = min(failures.add(str(error)), every)
            _log.error("backup_failed", reason=str(error))
        else:
            failures.clear()
            metrics.BACKUP_LAST.set(taken.manifest.started_at.timestamp())
            metrics.BACKUP_BYTES.set(taken.size)
            metrics.BACKUP_SECONDS.set(taken.seconds)
            wait = until_due(taken.manifest.started_at, every, clock.now())
            _log.info(
                "backup_taken",
                file=str(taken.path),
                bytes=taken.size,
                rows=taken.manifest.rows,
                tables=len(taken.manifest.tables),
                seconds=round(taken.seconds, 1),
                removed=taken.removed,
            )


def until_due(last: datetime | None, every: timedelta, now: datetime) -> timedelta:
    """Return how long to wait for the next backup, given when the last one was started."""
    if last is None:
        return timedelta(0)
    due = last + every * random.uniform(_SHORTEST, _LONGEST)  # noqa: S311 - no secret
    # If the last backup seems to be in the future, a clock was wrong; then wait one period.
    return min(max(due - now, timedelta(0)), every)


def _newest(place: Path) -> datetime | None:
    taken = [folder.taken_at(path) for path in folder.backups(place)]
    last = taken[-1] if taken else None
    if last:
        metrics.BACKUP_LAST.set(last.timestamp())
    return last
