"""Settings of backups."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from libs.common.settings import DatabaseSettings


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
