"""The file of a backup: a tar of pieces of COPY's output, compressed as one gzip stream.

It is written and read from front to back in constant memory. A tar needs the size of a member
before its content, so a table is split into parts; the manifest comes last, when it is complete.
"""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from services.persistence.backup.errors import BackupError
from services.persistence.backup.manifest import Manifest, Part
from services.persistence.backup.progress import Progress

MANIFEST = "manifest.json"
PART_BYTES = 4 * 2**20
# Level 6 takes four times as long and saves a tenth.
_LEVEL = 1
_GZIP = 16  # added to `wbits`, it makes zlib write gzip's header and checksum


class Writer:
    """Writes an archive; only `finish` makes it a valid one."""

    def __init__(self, file: BinaryIO, moment: datetime) -> None:
        self._file = file
        self._moment = int(moment.timestamp())
        # Not TarFile over GzipFile: both also write when they are closed, even on a full disk.
        self._gzip = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS + _GZIP)

    def add(self, name: str, content: bytes | bytearray) -> Part:
        """Append a member."""
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = len(content), self._moment, 0o600
        for piece in (info.tobuf(), content, bytes(-len(content) % tarfile.BLOCKSIZE)):
            self._file.write(self._gzip.compress(piece))
        return Part(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Append the manifest, and end the archive."""
        self.add(MANIFEST, manifest.model_dump_json(indent=1).encode())
        # A tar ends with two empty blocks.
        self._file.write(self._gzip.compress(bytes(2 * tarfile.BLOCKSIZE)))
        self._file.write(self._gzip.flush())


def in_parts(pieces: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytearray]:
    """Join small pieces into parts of about `PART_BYTES`."""
    part = bytearray()
    for piece in pieces:
        part += piece
        if len(part) >= PART_BYTES:
            yield part
            part = bytearray()
    if part:
        yield part


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read an archive from front to back; yield the name and the content of each member.

    Raises:
        BackupError: The file cannot be read, or is damaged; raised perhaps only after the last
            member.
    """
    try:
        with gzip.open(path) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for info in tar:
                    file = tar.extractfile(info)
                    if file is None:
                        raise _damaged(path, f"{info.name} is no part of a backup")
                    yield info.name, file.read()
            while stream.read(PART_BYTES):
                pass  # read to the end, where gzip compares its checksum
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror or error}") from error


def verify(path: Path, progress: Progress) -> Manifest:
    """Read all of a backup and compare it with its manifest; return the manifest.

    Raises:
        BackupError: The file cannot be read, is damaged, or has another format.
    """
    found: list[Part] = []
    document: bytes | None = None
    checked = 0
    for name, content in members(path):
        checked += len(content)
        progress.go_on(f"{checked / 1e6:,.0f} MB checked")
        if name == MANIFEST:
            document = content
        else:
            digest = hashlib.sha256(content).hexdigest()
            found.append(Part(name=name, size=len(content), sha256=digest))
    if document is None:
        raise _damaged(path, "it has no manifest")
    # Only now: the checksum of the whole file has been compared, so it is as it was written.
    manifest = _manifest(path, document)
    expected = [part for table in manifest.tables for part in table.parts]
    for known, part in zip(expected, found, strict=False):
        if known != part:
            raise _damaged(path, f"the checksum of {part.name} is wrong")
    if len(found) != len(expected):
        raise _damaged(path, f"it has {len(found)} parts instead of {len(expected)}")
    return manifest


def _manifest(path: Path, content: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BackupError(
            f"{path} is not in the format that this version reads (manifest: {where}:"
            f" {first['msg']}): restore it with the version that took it, or a newer one"
        ) from error


def _damaged(path: Path, why: str) -> BackupError:
    return BackupError(f"{path} is damaged or no backup ({why}): use another backup")
