"""`make status` and `make stop`: show or stop a run from another terminal."""

import os
import signal
import time

from deploy.embedded import folder
from deploy.embedded.console import complain, say, table
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.leftovers import end_leftovers, traces
from deploy.embedded.readiness import source_rows, unready
from deploy.embedded.settings import RunSettings
from deploy.embedded.supervision import Process, Supervisor

# supervisord calls every process "starting" during its first seconds.
_STATES = {"STARTING": "running", "BACKOFF": "failing", "FATAL": "failing", "EXITED": "failing"}

_STOP_SECONDS = 60
"""An ordered stop takes 15 s at most; a machine that swaps may need more."""


def status(settings: RunSettings) -> int:
    """Print the processes and the sources; return 0 when a run is ready, else 3."""
    data = settings.data
    if folder.holder(data) is None:
        complain(f"nothing runs in {data}: start it with `make run`.")
        return 3
    run = folder.read_run(data)
    if run is None:
        say("the run is starting or stopping")
        return 3
    rows = [["PROCESS", "STATE", "PID", "UPTIME", "MEMORY", "READY"]]
    rows += [_row(process, run["metrics"]) for process in Supervisor.of_run(data).processes()]
    say(table(rows))
    say("")
    say(run["gateway_url"])
    say(table(source_rows(run["gateway_url"])))
    return 0


def stop(settings: RunSettings) -> int:
    """Stop the run and wait until it is over; return 0, also when nothing ran.

    Raises:
        EmbeddedError: It did not end in time.
    """
    data = settings.data
    pid = folder.holder(data)
    if pid:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while folder.holder(data) == pid:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"the run (process {pid}) is not over after {_STOP_SECONDS} s.")
            time.sleep(0.1)
        say("stopped")
    elif data.exists() and traces(data, settings.home):
        count = end_leftovers(data, settings.home)
        say(f"the run had been killed; ended the {count} processes that it left behind")
    else:
        say("nothing was running")
    return 0


def duration(seconds: float) -> str:
    """Return a duration for people: `42s`, `3m 20s`, `5h 12m`, `9d 4h`."""
    whole = max(0, int(seconds))
    units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)]
    parts: list[str] = []
    for name, size in units:
        count, whole = divmod(whole, size)
        if count or parts or name == "s":
            parts.append(f"{count}{name}")
    return " ".join(parts[:2])


def memory(pid: int) -> str:
    """Return the memory of a process and its children in MB, shared parts counted once."""
    import psutil  # noqa: PLC0415 - `stop` does without it

    total = 0
    try:
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            known = one.memory_full_info()
            total += getattr(known, "pss", known.rss)
    except psutil.Error:
        return "?"
    return f"{total / 1e6:.0f} MB"


def _row(process: Process, metrics: dict[str, str]) -> list[str]:
    place = metrics.get(process.name)
    ready = "" if place is None else unready(place) or "yes"
    state = _STATES.get(process.state, process.state.lower())
    if process.pid is None:
        return [process.name, state, "-", "-", "-", ready]
    uptime = duration(time.time() - process.started)
    pid = str(process.pid)
    return [process.name, state, pid, uptime, memory(process.pid), ready]
