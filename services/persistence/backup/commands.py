"""`python -m services.persistence backup` and `... restore`."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event

from redis.asyncio import Redis

from libs.common.broker import connect
from libs.common.clock import SYSTEM_CLOCK, iso
from libs.common.errors import CassiopeiaError
from libs.common.logging import setup_logging
from libs.common.runtime import EXIT_OK, exit_code_of, run
from libs.common.settings import load_settings
from services.persistence.backup.positions import Replay
from services.persistence.backup.progress import Progress
from services.persistence.backup.restoring import restore as put_back
from services.persistence.backup.schedule import bootstrap
from services.persistence.backup.settings import BackupSettings
from services.persistence.backup.taking import take
from services.persistence.durations import period

_Work = Callable[[BackupSettings, Redis, Progress], Awaitable[str]]


def backup(arguments: Sequence[str]) -> int:
    """Take one backup, or with `--every` one after another; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m services.persistence backup",
        description="Take a backup of the database into CASSIOPEIA_BACKUP_DIR.",
    )
    parser.add_argument(
        "--every", type=_period, metavar="24h", help="stay, and take one after each 30m, 24h, 7d"
    )
    every = parser.parse_args(arguments).every
    if every:
        return run("backup", BackupSettings, partial(bootstrap, every=every))
    return _carry_out("backup", _back_up)


def restore(arguments: Sequence[str]) -> int:
    """Restore a backup; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m services.persistence restore",
        description="Put a backup into an empty database, while no service runs.",
    )
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--replace", action="store_true", help="drop all that the database holds at first"
    )
    chosen = parser.parse_args(arguments)
    return _carry_out("restore", partial(_put_back, path=chosen.file, replace=chosen.replace))


def _period(text: str) -> timedelta:
    try:
        return period(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


async def _back_up(settings: BackupSettings, redis: Redis, progress: Progress) -> str:
    taken = await take(
        redis,
        settings.database_url.get_secret_value(),
        settings.backup_dir,
        keep=settings.backup_keep,
        clock=SYSTEM_CLOCK,
        progress=progress,
    )
    removed = f"; {taken.removed} older removed" if taken.removed else ""
    return (
        f"{taken.path}: {taken.size / 1e6:,.2f} MB, {taken.manifest.rows:,} rows of"
        f" {len(taken.manifest.tables)} tables, {taken.seconds:.1f} s{removed}"
    )


async def _put_back(
    settings: BackupSettings, redis: Redis, progress: Progress, *, path: Path, replace: bool
) -> str:
    url = settings.database_url.get_secret_value()
    restored = await put_back(redis, url, path, replace=replace, progress=progress)
    for replay in restored.replays:
        progress.say(_told(replay))
    if restored.sources:
        progress.say(
            "what is missing comes again from the upstreams that still have it:"
            f" {', '.join(restored.sources)} will publish everything anew, once"
        )
    if restored.left_out:
        progress.say(
            f"left out, because no release made these tables: {', '.join(restored.left_out)}"
        )
    manifest = restored.manifest
    return (
        f"{manifest.rows:,} rows of {len(manifest.tables)} tables as of {iso(manifest.started_at)},"
        f" {restored.seconds:.1f} s; start the services, and they store what came after"
    )


def _told(replay: Replay) -> str:
    seconds = replay.since.accepted_ms // 1_000
    since = iso(datetime.fromtimestamp(seconds, UTC)) if seconds else "its start"
    text = f"{replay.stream} is replayed from {since} on"
    if replay.trimmed is None:
        return f"{text}; whether it was complete until then, nobody can tell"
    if replay.trimmed:
        return f"{text}; {replay.trimmed:,} entries since the backup were trimmed"
    return f"{text}; none since the backup is missing"


def _carry_out(name: str, work: _Work) -> int:
    def say(text: str) -> None:
        print(f"{name}: {text}", flush=True)  # noqa: T201 - a command line speaks to a person

    try:
        settings = load_settings(BackupSettings)
        setup_logging(settings, name)
        say(asyncio.run(_work(settings, work, say)))
    except CassiopeiaError as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - as above
        return exit_code_of(error)
    return EXIT_OK


async def _work(settings: BackupSettings, work: _Work, say: Callable[[str], None]) -> str:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    redis = connect(settings.redis_url.get_secret_value(), "cassiopeia-backup")
    try:
        return await work(settings, redis, Progress(say, stop.is_set))
    finally:
        await redis.aclose()
