"""The folder of thumbnails: complete files, of which the least recently used are removed first."""

import fcntl
import os
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

# Room is made for many files at once, so that not every new file means reading the whole folder.
_ROOM = 0.9
# Temporary files and locks older than this were left behind by a process that died.
_ABANDONED_AFTER_S = 3_600.0
_TEMPORARY = ".part-"
_LOCK = ".lock-"


def file_name(url: str) -> str:
    """Return the name of a picture's file: letters and digits only, whatever the URL contains."""
    return blake2b(url.encode(), digest_size=20).hexdigest()


@dataclass(frozen=True, slots=True)
class _File:
    used_at: float
    size: int
    path: Path


class ThumbnailFolder:
    """Keeps files up to a number of bytes; its methods block, and threads may share it.

    Replicas may share the folder: a file only appears once it is complete, one that another replica
    has removed is fetched again, and a lock decides which replica fetches it.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._bytes: int | None = None
        self._lock = threading.Lock()

    def read(self, name: str) -> bytes | None:
        """Return a file, and note that it was used; None if it cannot be read."""
        path = self._path / name
        try:
            content = path.read_bytes()
        except OSError:
            return None
        with suppress(OSError):
            # The file may belong to another account, or be gone by now; its content is good anyway.
            os.utime(path)
        return content

    def write(self, name: str, content: bytes) -> None:
        """Keep a file, and make room for it.

        Raises:
            OSError: The folder cannot be written to.
        """
        self._path.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=self._path)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).replace(self._path / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        with self._lock:
            known = sum(file.size for file in self._files()) if self._bytes is None else self._bytes
            self._bytes = known + (0 if self._bytes is None else len(content))
            if self._bytes > self._max_bytes:
                self._make_room()

    def lock(self, name: str) -> BinaryIO | None:
        """Lock a file for all replicas, and return the lock; None while another one holds it.

        The lock is an open file, so it is released when its process dies, however it dies.

        Raises:
            OSError: The folder cannot be written to.
        """
        self._path.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            held = opened.enter_context((self._path / f"{_LOCK}{name}").open("ab"))
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            # Its last holder has deleted it since it was opened: the next try creates a new one.
            if os.fstat(held.fileno()).st_nlink == 0:
                return None
            os.utime(held.fileno())
            opened.pop_all()
            return held

    def unlock(self, name: str, held: BinaryIO) -> None:
        """Release the lock for other replicas."""
        with held, suppress(OSError):
            (self._path / f"{_LOCK}{name}").unlink(missing_ok=True)

    def _make_room(self) -> None:
        files = sorted(self._files(), key=lambda file: file.used_at)
        left = sum(file.size for file in files)
        for file in files:
            if left <= self._max_bytes * _ROOM:
                break
            file.path.unlink(missing_ok=True)
            left -= file.size
        self._bytes = left

    def _files(self) -> list[_File]:
        """Return the pictures in the folder; remove temporary files and locks left behind."""
        files = []
        for path in self._path.iterdir():
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            if not path.name.startswith((_TEMPORARY, _LOCK)):
                files.append(_File(status.st_mtime, status.st_size, path))
            elif status.st_mtime < time.time() - _ABANDONED_AFTER_S:
                path.unlink(missing_ok=True)
        return files
