"""The data folder: one run at a time, and `run.json` for programs that want to use that run."""

import contextlib
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.embedded.account import write_file
from deploy.embedded.errors import EmbeddedError

_LEAST_MEGABYTES = 300
"""A new cluster with its WAL takes 90 MB, the servers' programs 42 MB; the rest is for data."""


def make(data: Path) -> None:
    """Create the folder and its log folder.

    Raises:
        EmbeddedError: It cannot be written to.
    """
    try:
        (data / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
        data.chmod(0o700)
    except OSError as error:
        raise EmbeddedError(explain(error, data)) from None


def check_space(*places: Path) -> None:
    """Make sure that there is space for data.

    Raises:
        EmbeddedError: A disk is nearly full.
    """
    for place in places:
        existing = next(folder for folder in (place, *place.parents) if folder.exists())
        free = shutil.disk_usage(existing).free // 1_000_000
        if free < _LEAST_MEGABYTES:
            raise EmbeddedError(
                f"the disk of {place} is nearly full: {free} MB are free, at least"
                f" {_LEAST_MEGABYTES} MB are needed; make room, or choose another folder with"
                " CASSIOPEIA_DATA_DIR."
            )


def explain(error: OSError, data: Path) -> str:
    """Turn a failed file operation into one sentence."""
    place = error.filename or data
    if error.errno == errno.ENOSPC:
        return f"the disk of {place} is full: make room, then start again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"no permission to write to {place}: it may belong to a run of another user; choose"
            " another folder with CASSIOPEIA_DATA_DIR."
        )
    return f"{place}: {error.strerror or error}."


@contextlib.contextmanager
def held(data: Path) -> Iterator[None]:
    """Hold the folder for this run; the system releases it when the process ends in any way.

    Raises:
        EmbeddedError: Another run has it.
    """
    with (data / "lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError(
                f"the data folder {data} is in use by another run (process {holder(data)}): end it"
                " with `make stop`, or choose another folder with CASSIOPEIA_DATA_DIR."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def holder(data: Path) -> int | None:
    """Return the process id of the run that holds the folder; None if no run holds it."""
    try:
        with (data / "lock").open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(handle.read() or 0)
    except FileNotFoundError:
        pass
    return None


def write_run(data: Path, content: dict[str, Any]) -> None:
    """Write `run.json` atomically, and readable by its owner only, because it holds passwords."""
    write_file(data / "run.json", json.dumps(content, indent=2) + "\n", None)


def forget_run(data: Path) -> None:
    """Remove `run.json`, whose content is about to become false."""
    (data / "run.json").unlink(missing_ok=True)


def read_run(data: Path) -> dict[str, Any] | None:
    """Return the content of `run.json`; None while no run is ready."""
    try:
        content: dict[str, Any] = json.loads((data / "run.json").read_text())
    except FileNotFoundError:
        return None
    return content
