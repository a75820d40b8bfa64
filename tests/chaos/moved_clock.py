"""`python -m tests.chaos.moved_clock SERVICE [SECONDS]`: a service whose clock is wrong.

It is the service itself, as its own `__main__` starts it; only the clock is another. SIGUSR1 moves
that by an hour ahead, SIGUSR2 by an hour back, as somebody does who sets the time of a machine.
"""

import importlib
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import get_type_hints

from libs.common.runtime import run
from tests.clocks import WrongClock

AHEAD, BACK = signal.SIGUSR1, signal.SIGUSR2
JUMP = timedelta(hours=1)


def command(service: str, off: timedelta = timedelta()) -> Sequence[str]:
    """Return what Python is to run for a service with such a clock."""
    return ("-m", "tests.chaos.moved_clock", service, f"{off.total_seconds():.0f}")


def main(service: str, off_s: float = 0) -> int:
    """Run the service; return its exit code."""
    clock = WrongClock(timedelta(seconds=off_s))
    for number, by in ((AHEAD, JUMP), (BACK, -JUMP)):
        signal.signal(number, lambda *_, by=by: clock.jump(by))
    bootstrap = importlib.import_module(f"services.{service}.bootstrap").bootstrap
    settings = get_type_hints(bootstrap)["settings"]
    return run(service, settings, partial(bootstrap, clock=clock))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(float, sys.argv[2:])))
