"""What the run says, and the signals that end it."""

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.embedded.errors import StopRequested


def say(text: str) -> None:
    """Print lines at once; a reader that has gone away, as in `make run | head`, is no error."""
    with contextlib.suppress(BrokenPipeError):
        print(text, flush=True)


def complain(text: str) -> None:
    """Print an error for the person at the terminal."""
    print(f"cassiopeia: {text}", file=sys.stderr, flush=True)


def table(rows: list[list[str]]) -> str:
    """Return rows as lines with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def last_lines(path: Path, count: int = 15) -> str:
    """Return the newest lines of a log, indented; at most its last 64 KB are read."""
    try:
        with path.open("rb") as handle:
            handle.seek(max(0, path.stat().st_size - 65_536))
            lines = handle.read().decode("utf-8", "replace").splitlines()[-count:]
    except OSError:
        lines = []
    return "\n".join(f"    {line}" for line in lines) or "    (its log is empty)"


class StopSignals:
    """Turns Ctrl-C, SIGTERM and a closed terminal into the end of the next wait.

    The handler only writes a byte to a pipe that every wait watches. So a signal is never lost, and
    never interrupts a step halfway.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)

    def pause(self, seconds: float) -> None:
        """Wait.

        Raises:
            StopRequested: A signal arrived, now or earlier.
        """
        if select.select([self._reader], [], [], seconds)[0]:
            raise StopRequested

    def _note(self, _number: int, _frame: object) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"!")

    @classmethod
    @contextlib.contextmanager
    def caught(cls) -> Iterator["StopSignals"]:
        """Catch the signals inside the block."""
        caught = cls()
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, caught._note) for number in numbers}
        try:
            yield caught
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(caught._reader)
            os.close(caught._writer)
