"""The servers' passwords: made at the first start, kept in a file that only its owner can read."""

import json
import secrets
from pathlib import Path

from deploy.embedded.account import write_file
from deploy.embedded.errors import EmbeddedError

_NAMES = ("postgres", "cassiopeia", "cassiopeia_gateway", "valkey")


def passwords(home: Path) -> dict[str, str]:
    """Return the password of each role and of Valkey; make them if the file does not exist yet.

    Raises:
        EmbeddedError: The file is damaged.
    """
    path = home / "passwords.json"
    if not path.exists():
        # 192 bits, in an alphabet that needs no quoting in a URL, SQL and a configuration file.
        made = {name: secrets.token_urlsafe(24) for name in _NAMES}
        write_file(path, json.dumps(made), None)
    try:
        known: dict[str, str] = json.loads(path.read_text())
        return {name: known[name] for name in _NAMES}
    except (ValueError, KeyError):
        raise EmbeddedError(
            f"{path} is damaged: restore it from a backup, or remove {home} to start without data."
        ) from None
