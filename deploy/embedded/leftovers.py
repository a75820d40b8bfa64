"""Ends processes that an earlier run left running after its driver or supervisord was killed.

A process is ended only if it provably belongs to this data folder: supervisord and the services
have the folder's path in their environment, and a server has its data as its working folder.
A process id in a file proves nothing, since the system may have given it to another program.
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
        # If any process has the id in this file by now, PostgreSQL would take it for a server.
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
        # The process may have ended meanwhile, or belong to another user.
        with contextlib.suppress(psutil.Error, OSError):
            program = folders.get(process.cwd())
            if process.name() == program or process.environ().get(MARK) == mark:
                found.append(process)
    return found


def _end(owned: "list[psutil.Process]") -> None:
    import psutil  # noqa: PLC0415 - as above

    # Signal only processes whose parent is not among them: supervisord ends its services in order,
    # and the postmaster its backends.
    ids = {process.pid for process in owned}
    for process in owned:
        with contextlib.suppress(psutil.Error):
            if process.ppid() not in ids:
                fast = process.name() == "postgres"
                process.send_signal(signal.SIGINT if fast else signal.SIGTERM)
    # An ordered stop may take 15 s.
    _, alive = psutil.wait_procs(owned, timeout=15)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)
