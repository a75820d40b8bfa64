"""What is shown at the terminal."""

from pathlib import Path

import pytest

from deploy.embedded.console import last_lines, table
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.logs import log_files
from deploy.embedded.readiness import shorten
from deploy.embedded.status import duration


def test_columns_are_aligned() -> None:
    """Each column is as wide as its widest cell, and no line ends in spaces."""
    assert table([["a", "bb", ""], ["ccc", "d", "e"]]) == "a    bb\nccc  d   e"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0s"), (42, "42s"), (200, "3m 20s"), (18_720, "5h 12m"), (792_000, "9d 4h"), (-1, "0s")],
)
def test_durations_have_two_units(seconds: float, text: str) -> None:
    """The two largest units are enough."""
    assert duration(seconds) == text


def test_long_reasons_are_cut() -> None:
    """A reason stays in one line."""
    assert shorten("a\n b", 10) == "a b"
    assert shorten("x" * 20, 10) == "x" * 7 + "..."


def test_the_last_lines_of_a_log(tmp_path: Path) -> None:
    """The newest lines are shown indented; a log that is missing is said to be empty."""
    log = tmp_path / "a.log"
    log.write_bytes(b"one\ntwo \xff\nthree\n")
    assert last_lines(log, 2) == "    two \ufffd\n    three"
    assert "empty" in last_lines(tmp_path / "none.log")


def test_logs_are_chosen_by_service_or_replica(tmp_path: Path) -> None:
    """A service means all of its replicas; an unknown name is answered with the known ones."""
    (tmp_path / "logs").mkdir()
    for name in ("web-0", "web-1", "postgres"):
        (tmp_path / "logs" / f"{name}.log").touch()
    assert [file.stem for file in log_files(tmp_path, "web")] == ["web-0", "web-1"]
    assert [file.stem for file in log_files(tmp_path, "web-1")] == ["web-1"]
    assert len(log_files(tmp_path, None)) == 3
    with pytest.raises(EmbeddedError, match="postgres, web-0, web-1"):
        log_files(tmp_path, "we")
