"""Settings of persistence."""

from typing import Annotated

from pydantic import Field

from libs.common.settings import DatabaseSettings, Seconds


class PersistenceSettings(DatabaseSettings):
    """What persistence is told."""

    batch_size: Annotated[int, Field(ge=1, le=10_000)] = Field(
        # Above 2,000 the gain is below 5 %, and a batch would hold more than 2 MB.
        default=2_000,
        description="Events per transaction at most.",
    )
    reclaim_idle_seconds: Annotated[float, Field(ge=1, le=86_400)] = Field(
        # Twice the statement timeout: a batch that still runs is not taken away.
        default=60.0,
        description="Entries that a consumer has not acknowledged for this long are taken over.",
    )
    reclaim_every_seconds: Seconds = Field(
        default=10.0, description="Pause between two looks for such entries."
    )
    max_deliveries: Annotated[int, Field(ge=1, le=100)] = Field(
        default=5, description="An entry that failed this often becomes a dead letter."
    )
