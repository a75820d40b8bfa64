"""Ends a process whose event loop stands still, so that its supervisor can start a new one."""

import asyncio
import faulthandler
import os
import sys
import threading
import time

from libs.common import metrics

EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h
_BEAT_S = 0.5


class Watchdog:
    """A thread that counts its own wake-ups between two beats of the loop.

    It counts wake-ups, not seconds. So a process that was stopped and resumed as a whole, or a
    machine that slept, does not look like a loop that stood still.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit = max(1, round(limit_s))
        self._beats = 0
        self._over = threading.Event()

    async def beat_forever(self) -> None:
        """Beat from inside the loop, and measure how late the loop wakes up."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        try:
            while True:
                asked = time.monotonic()
                await asyncio.sleep(_BEAT_S)
                self._beats += 1
                metrics.LOOP_LATENESS.set(max(0.0, time.monotonic() - asked - _BEAT_S))
        finally:
            self._over.set()

    def _watch(self) -> None:
        seen, misses = -1, 0
        while not self._over.wait(1.0):
            misses = misses + 1 if self._beats == seen else 0
            seen = self._beats
            if misses >= self._limit:
                print(  # noqa: T201 - the loop that would carry a log line is the one that hangs
                    f"the event loop has stood still for {misses} s: ending the process",
                    file=sys.stderr,
                )
                faulthandler.dump_traceback(all_threads=True)
                sys.stdout.flush()
                sys.stderr.flush()
                # sys.exit would wait for the loop.
                os._exit(EXIT_CODE)
