"""A file that is no whole backup, or one of a newer release, changes nothing."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.persistence.backup.archive import MANIFEST
from services.persistence.backup.errors import BackupError
from tests.integration.backups import contents, fill, restored, taken


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _flip_in_the_manifest(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


def _no_backup(path: Path) -> None:
    path.write_bytes(b"no backup")


def _rewritten(change: Callable[[dict[str, bytes]], None]) -> Callable[[Path], None]:
    """Return what changes members and packs them again, so that the compression is in order."""

    def rewrite(path: Path) -> None:
        with tarfile.open(path) as archive:
            files = {info.name: archive.extractfile(info) for info in archive}
            members = {name: file.read() for name, file in files.items() if file}
        change(members)
        with tarfile.open(path, "w:gz") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))

    return rewrite


def _other_rows(members: dict[str, bytes]) -> None:
    members["iss_elements/000001.copy"] = members["iss_elements/000001.copy"].swapcase()


def _part_missing(members: dict[str, bytes]) -> None:
    del members["telemetry_legacy/000001.copy"]


def _no_manifest(members: dict[str, bytes]) -> None:
    del members[MANIFEST]


def _manifest(**changes: object) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members[MANIFEST] = json.dumps(json.loads(members[MANIFEST]) | changes).encode()

    return change


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (_cut, "is damaged"),
        (_flip, "is damaged"),
        (_flip_in_the_manifest, "is damaged"),
        (_no_backup, "is damaged"),
        (Path.unlink, "cannot be read: No such file"),
        (_rewritten(_other_rows), "the checksum of iss_elements/000001.copy is wrong"),
        (_rewritten(_part_missing), "parts instead of"),
        (_rewritten(_no_manifest), "it has no manifest"),
        (_rewritten(_manifest(schema_revision="9999")), "taken by a newer version"),
        (_rewritten(_manifest(format=2)), "not in the format that this version reads"),
    ],
    ids=lambda value: None if isinstance(value, str) else value.__name__,
)
async def test_what_is_no_whole_backup_changes_nothing(
    broker_client: Redis,
    database_url: str,
    folder: Path,
    spoil: Callable[[Path], None],
    complaint: str,
) -> None:
    """A damaged file, or one of a newer release, is refused before anything is dropped."""
    fill(database_url)
    before = contents(database_url)
    made = await taken(broker_client, database_url, folder)
    spoil(made.path)
    with pytest.raises(BackupError, match=complaint):
        await restored(broker_client, database_url, made.path, replace=True)
    assert contents(database_url) == before
