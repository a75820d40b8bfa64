"""The folder of the backups: one backup at a time, complete files only, the newest kept."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from services.persistence.backup.errors import BackupError, explain

_FORM = "cassiopeia-%Y%m%dT%H%M%SZ.tar.gz"
_PARTIAL = ".partial"


def backups(folder: Path) -> list[Path]:
    """Return the finished backups of a folder, the oldest first."""
    return [path for path in sorted(folder.glob("cassiopeia-*.tar.gz")) if taken_at(path)]


def taken_at(path: Path) -> datetime | None:
    """Return when a backup was started, according to its name; None for any other file."""
    try:
        return datetime.strptime(path.name, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make the folder if it is missing, and hold it for one backup.

    The system releases it when the process ends in any way. The unfinished file of a backup that
    was killed is removed here.

    Raises:
        BackupError: Another backup is being written to the folder, or it cannot be used.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise explain(error, folder) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(
                f"another backup is being written to {folder}: wait until it is over"
            ) from None
        for leftover in folder.glob(f"cassiopeia-*{_PARTIAL}"):
            leftover.unlink()
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def new_file(folder: Path, moment: datetime) -> Iterator[tuple[Path, BinaryIO]]:
    """Yield the path of a new backup and a file to write it to; the folder must be held.

    At the end of the block the file is on the disk under its name; after a failure there is none.

    Raises:
        BackupError: There is no space, or no permission.
    """
    existing = backups(folder)
    if existing and (newest := taken_at(existing[-1])):
        # The names must sort in the order of the backups, even after the clock was set back.
        moment = max(moment, newest + timedelta(seconds=1))
    path = folder / moment.strftime(_FORM)
    partial = path.with_name(path.name + _PARTIAL)
    try:
        with _private(partial) as file:
            yield path, file
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
        _sync(folder)
    except OSError as error:
        raise explain(error, folder) from error
    finally:
        partial.unlink(missing_ok=True)


def prune(folder: Path, keep: int) -> int:
    """Remove all but the newest `keep` backups; return how many were removed."""
    old = backups(folder)[:-keep]
    for path in old:
        path.unlink()
    return len(old)


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync(folder: Path) -> None:
    """Make sure that a file's new name survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
