"""`make logs`: show the newest lines of the processes' logs, and optionally follow them."""

import contextlib
import os
import sys
import time
from io import BufferedReader
from pathlib import Path

from deploy.embedded.errors import EmbeddedError

_LINES = 20
_NEWEST_BYTES = 65_536
_PAUSE = 0.25


def show(data: Path, service: str | None, *, follow: bool) -> int:
    """Print the newest lines of the logs; with `follow`, also those added until Ctrl-C.

    Raises:
        EmbeddedError: There is no such log.
    """
    files = log_files(data, service)
    width = max((len(file.stem) for file in files), default=0) if len(files) > 1 else 0
    tails = [_Tail(file, width) for file in files]
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        for tail in tails:
            tail.show_newest()
        while follow:
            time.sleep(_PAUSE)
            for tail in tails:
                tail.show_added()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    return 0


def log_files(data: Path, service: str | None) -> list[Path]:
    """Return the logs of a service, of one of its replicas, or of everything.

    Raises:
        EmbeddedError: There is no such log.
    """
    files = sorted((data / "logs").glob("*.log"))
    chosen = [f for f in files if service in (None, f.stem, f.stem.rpartition("-")[0])]
    if not chosen:
        known = ", ".join(file.stem for file in files) or "none yet"
        raise EmbeddedError(f"no log of {service or 'anything'} in {data}; there are: {known}.")
    return chosen


class _Tail:
    """A log that is read to its end again and again, also after its file was rotated."""

    def __init__(self, path: Path, width: int) -> None:
        self._path = path
        self._prefix = f"{path.stem:<{width}} | " if width else ""
        self._file: BufferedReader | None = None
        self._rest = b""

    def show_newest(self) -> None:
        """Print the last lines."""
        file = self._open()
        if file is not None:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _NEWEST_BYTES))
            self._print(file.read().splitlines()[-_LINES:])

    def show_added(self) -> None:
        """Print what was added since the last call."""
        file = self._file or self._open()
        if file is None:
            return
        *lines, self._rest = (self._rest + file.read()).split(b"\n")
        self._print(lines)
        if self._replaced(file):
            file.close()
            self._file = None

    def _open(self) -> BufferedReader | None:
        with contextlib.suppress(FileNotFoundError):
            self._file = self._path.open("rb")
        return self._file

    def _replaced(self, file: BufferedReader) -> bool:
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return True
        return now.st_ino != os.fstat(file.fileno()).st_ino or now.st_size < file.tell()

    def _print(self, lines: list[bytes]) -> None:
        for line in lines:
            print(self._prefix + line.decode("utf-8", "replace"))
        sys.stdout.flush()
