"""Ends what an earlier run left running after a kill -9 of the driver or of the supervisor.

A process is ended only when it is proven to belong to this data folder: the supervisor and the
services carry its path in their environment, a server has its own data as working folder.
A process id in a file proves nothing, since the machine may have given it to another program.
"""

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

MARK = "CASSIOPEIA_RUN_IN"
"""The environment variable that holds the data folder in every process of a run."""

_SERVERS = {"postgres": "postgres", "valkey": "valkey-server"}
_TRACES = ("run.json", "supervisord.pid")


def traces(data: Path, home: Path) -> bool:
    """Tell whether the last run in this folder ended without tidying up."""
    places = [*(data / name for name in _TRACES), home / "postgres" / "postmaster.pid"]
    return any(place.exists() for place in places)


def end_leftovers(data: Path, home: Path) -> int:
    """End every process of an earlier run and remove its traces; return how many there were."""
    owned = find_processes(data, home)
    count = len(owned)
    if owned:
        _end(owned)
        owned = find_processes(data, home)
    if not any(process.name() == "postgres" for process in owned):
        # PostgreSQL would take the id in it for a running server if any process has that id now.
        (home / "postgres" / "postmaster.pid").unlink(missing_ok=True)
    for name in _TRACES:
        (data / name).unlink(missing_ok=True)
    return count


def find_processes(data: Path, home: Path) -> "list[psutil.Process]":
    """Return the processes of a run with this data folder, whoever started them."""
    import psutil  # noqa: PLC0415 - only after a bad end; it would stay in the driver's memory

    folders = {str(home / folder): program for folder, program in _SERVERS.items()}
    mark = str(data)
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        # Gone meanwhile, or another user's.
        with contextlib.suppress(psutil.Error, OSError):
            program = folders.get(process.cwd())
            if process.name() == program or process.environ().get(MARK) == mark:
                found.append(process)
    return found


def _end(owned: "list[psutil.Process]") -> None:
    import psutil  # noqa: PLC0415 - as above

    # Only those whose parent is not among them: the supervisor ends its services in order, the
    # postmaster its backends. What stands alone gets its own signal.
    ids = {process.pid for process in owned}
    for process in owned:
        with contextlib.suppress(psutil.Error):
            if process.ppid() not in ids:
                fast = process.name() == "postgres"
                process.send_signal(signal.SIGINT if fast else signal.SIGTERM)
    # 15 s is what an ordered stop may take.
    _, alive = psutil.wait_procs(owned, timeout=15)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)
