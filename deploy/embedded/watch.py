"""Keeps `run.json` up to date, and restarts programs that supervisord has given up."""

import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from deploy.embedded import folder
from deploy.embedded.console import say
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.plan import Addresses, Program
from deploy.embedded.settings import RunSettings
from deploy.embedded.supervision import OwnSupervisor, Process

_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0
_STEADY = 120.0
"""Seconds that a program must run before its next failure counts as the first one again."""


class BackOff:
    """The pauses before a failing program is started again: 5, 10, 20, 40, 60, 60, ... seconds."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE
        self._due: float | None = None

    def failed(self, now: float) -> bool:
        """Note that supervisord has given the program up; tell whether to start it again now."""
        if self._due is None:
            self._due = now + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        if now < self._due:
            return False
        self._due = None
        return True

    def running(self, seconds: float) -> None:
        """Note how long the program has been running."""
        if seconds >= _STEADY:
            self._pause = _FIRST_PAUSE

    @property
    def pause(self) -> float:
        """The pause after the next failure."""
        return self._pause


class RunFile:
    """What a script needs to know about the run, written whenever it changes."""

    def __init__(
        self,
        settings: RunSettings,
        urls: Addresses,
        programs: Sequence[Program],
        supervisor_pid: int,
    ) -> None:
        self._data = settings.data
        self._groups = [(program.group, program.name) for program in programs]
        self._content: dict[str, Any] = {
            "gateway_url": settings.gateway_url,
            "redis_url": urls.redis,
            "database_url": urls.owner_database,
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "driver_pid": os.getpid(),
            "supervisor_pid": supervisor_pid,
            "metrics": {p.name: p.metrics for p in programs if p.metrics},
            "pids": None,
        }

    def update(self, processes: Sequence[Process]) -> None:
        """Write the file if a process has changed; a replica that is not running is null."""
        pids = pids_by_service(self._groups, processes)
        if pids != self._content["pids"]:
            self._content["pids"] = pids
            folder.write_run(self._data, self._content)


def pids_by_service(
    groups: Sequence[tuple[str, str]], processes: Sequence[Process]
) -> dict[str, list[int | None]]:
    """Return the process ids of every service, one for each replica.

    Args:
        groups: The service and the name of each program, in the order of the replicas.
        processes: What the supervisor knows of them.
    """
    known = {process.name: process.pid for process in processes}
    pids: dict[str, list[int | None]] = {}
    for group, name in groups:
        pids.setdefault(group, []).append(known.get(name))
    return pids


class Watch:
    """Looks at all processes once a second."""

    def __init__(
        self, supervisor: OwnSupervisor, run_file: RunFile, pause: Callable[[float], None]
    ) -> None:
        self._supervisor = supervisor
        self._run_file = run_file
        self._pause = pause
        self._back_offs: dict[str, BackOff] = {}

    def keep(self) -> None:
        """Watch until a signal ends the pause.

        Raises:
            EmbeddedError: supervisord ended.
        """
        while True:
            self._pause(1.0)
            self._supervisor.check()
            try:
                processes = self._supervisor.processes()
            except EmbeddedError:
                # supervisord is busy, or just ending; the next check tells which.
                continue
            self._run_file.update(processes)
            for process in processes:
                self._revive(process)

    def _revive(self, process: Process) -> None:
        back_off = self._back_offs.setdefault(process.name, BackOff())
        if process.state == "RUNNING":
            back_off.running(time.time() - process.started)
        elif process.state == "FATAL" and back_off.failed(time.monotonic()):
            say(
                f"{process.name} keeps failing, starting it again; the next pause is"
                f" {back_off.pause:g} s. See `make logs SERVICE={process.name}`."
            )
            self._supervisor.start(process.name)
