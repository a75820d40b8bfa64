"""The version is the same wherever it stands."""

import tomllib

from libs.common.version import VERSION
from tests.servers import CHECKOUT


def test_the_code_knows_its_version() -> None:
    """What backups say of themselves is what the project file says."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == VERSION
