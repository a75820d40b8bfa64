"""The data folder: what it holds, and what is said when it cannot."""

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from deploy.embedded import folder
from deploy.embedded.errors import EmbeddedError


def test_one_run_at_a_time(tmp_path: Path) -> None:
    """While a run holds the folder its process id is known; another run is refused with it."""
    assert folder.holder(tmp_path) is None
    with folder.held(tmp_path):
        assert folder.holder(tmp_path) == os.getpid()
        with pytest.raises(EmbeddedError, match=f"process {os.getpid()}"), folder.held(tmp_path):
            pass
    assert folder.holder(tmp_path) is None


def test_run_json_is_private_and_goes_away(tmp_path: Path) -> None:
    """It holds passwords, so only the owner reads it; a run that is over has none."""
    assert folder.read_run(tmp_path) is None
    folder.write_run(tmp_path, {"pids": {"gateway": [1]}})
    assert stat.S_IMODE((tmp_path / "run.json").stat().st_mode) == 0o600
    assert folder.read_run(tmp_path) == {"pids": {"gateway": [1]}}
    folder.forget_run(tmp_path)
    assert folder.read_run(tmp_path) is None


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is a full disk on Linux only")
def test_a_disk_that_is_nearly_full_is_refused() -> None:
    """The sentence has the folder, what is free and what is needed."""
    with pytest.raises(EmbeddedError, match=r"/proc/data is nearly full: 0 MB are free.*300 MB"):
        folder.check_space(Path("/proc/data"))


def test_a_disk_with_room_is_accepted(tmp_path: Path) -> None:
    """A folder that does not exist yet is judged by the one above it."""
    folder.check_space(tmp_path / "not" / "there")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk of /x is full"),
        (errno.EACCES, "no permission to write to /x"),
        (errno.EROFS, "CASSIOPEIA_DATA_DIR"),
        (errno.ENOTDIR, "/x: Not a directory"),
    ],
)
def test_a_failed_file_operation_becomes_a_sentence(number: int, words: str) -> None:
    """What the system says is told with the place and what to do."""
    error = OSError(number, os.strerror(number), "/x")
    assert words in folder.explain(error, Path("/data"))


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file in the way of the data folder is no traceback."""
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="file"):
        folder.make(tmp_path / "file" / "data")
