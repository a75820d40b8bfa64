"""Settings of backups."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from libs.common.settings import DatabaseSettings

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class BackupSettings(DatabaseSettings):
    """The settings of backup and restore."""

    backup_dir: Path = Field(
        default=Path(".cassiopeia/backups"),
        description="Where backups are kept; a folder for each database.",
    )
    backup_keep: Annotated[int, Field(ge=1, le=10_000)] = Field(
        # A week of daily backups: a fault that nobody notices over a weekend can still be undone.
        default=7,
        description="How many backups stay; older ones are removed once a new one is complete.",
    )


def period(text: str) -> timedelta:
    """Parse minutes, hours or days such as `24h`.

    Raises:
        ValueError: It is not a period.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,3})([mhd])", text)
    if not found:
        raise ValueError(f"{text}: expected minutes, hours or days, such as 30m, 24h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
