"""`ready_s` and `idle_pss_mb`: the time and the memory that `make run` takes.

It is a fresh run on an empty data folder. The addresses of all upstreams lead to a closed port.
Memory is the proportional set size of all processes of the run, 20 s after it was ready.
"""

import asyncio
import time
from pathlib import Path

import psutil

from bench.figure import Figure
from bench.progress import say
from deploy.embedded.servers import free_ports
from tests.e2e.running import NO_UPSTREAMS, Run

IDLE_S = 20


async def measure(folder: Path) -> list[Figure]:
    """Measure one run."""
    return await asyncio.to_thread(_measure, folder)


def _measure(folder: Path) -> list[Figure]:
    say("starting the suite on an empty folder")
    run = Run(
        folder / "data",
        "deploy.embedded",
        NO_UPSTREAMS | {"CASSIOPEIA_PORT": str(free_ports(1)[0])},
    )
    try:
        began = time.perf_counter()
        run.start_ready()
        ready_s = time.perf_counter() - began
        say(f"ready; idle for {IDLE_S} s")
        time.sleep(IDLE_S)
        pss_mb = _proportional_set_size_mb([psutil.Process(run.process.pid), *run.processes()])
        run.stop()
    finally:
        run.remove()
    return [
        Figure("ready_s", ready_s, "s", None, None, "<= 15"),
        Figure("idle_pss_mb", pss_mb, "MB", None, None, "<= 700"),
    ]


def _proportional_set_size_mb(processes: list[psutil.Process]) -> float | None:
    """Return the sum of all processes and their children; None if the system does not tell it."""
    everyone = {process.pid for process in processes}
    for process in processes:
        everyone.update(child.pid for child in process.children(recursive=True))
    total_kb = 0
    for pid in everyone:
        rollup = Path(f"/proc/{pid}/smaps_rollup")
        if not rollup.exists():
            return None
        for line in rollup.read_text().splitlines():
            if line.startswith("Pss:"):
                total_kb += int(line.split()[1])
    return total_kb / 1_024
