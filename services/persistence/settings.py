"""Settings of persistence."""

from typing import Annotated

from pydantic import Field

from libs.common.settings import Seconds
from services.persistence.retention import RetentionSettings


class PersistenceSettings(RetentionSettings):
    """The settings of persistence."""

    batch_size: Annotated[int, Field(ge=1, le=10_000)] = Field(
        # Above 2,000 the gain is below 5 %, and a batch would take more than 2 MB.
        default=2_000,
        description="Events per transaction at most.",
    )
    reclaim_idle_seconds: Annotated[float, Field(ge=1, le=86_400)] = Field(
        # A living consumer renews its claims four times as often, so only the entries of a dead one
        # wait this long. If it were shorter, a container would lose its entries in a short pause.
        default=60.0,
        description="Entries whose consumer has given no sign for this long are taken over.",
    )
    reclaim_every_seconds: Seconds = Field(
        default=10.0, description="Pause between two looks for such entries."
    )
    max_deliveries: Annotated[int, Field(ge=1, le=100)] = Field(
        # An entry is tried four times in a batch; by then a transient fault has passed.
        default=5,
        description="From this delivery on an entry is handled alone, and is dead if it fails.",
    )
    dead_letter_limit: Annotated[int, Field(ge=0, le=100_000)] = Field(
        # A person can read through a hundred, and bad entries alone have not made as many in a
        # year.
        default=100,
        description="Dead letters of one stream within the window before it stands still.",
    )
    dead_letter_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        # With one bad producer among several the share stays below half; after a bad deploy of ours
        # it is near 1.
        default=0.5,
        description="Share of a stream's last 2,000 entries that may become letters beyond that.",
    )
    dead_letter_window_seconds: Seconds = Field(
        # Even the slowest stream that matters, one position every 5 s, has 720 entries in an hour.
        default=3_600.0,
        description="The window of the limit.",
    )
    broker_memory_alert: Annotated[float, Field(gt=0.1, lt=1)] = Field(
        # What fills a broker is mostly a group that nobody reads, at the rate of the events: a full
        # broker is then still hours away, and everything works.
        default=0.7,
        description="Share of the broker's memory above which an alarm is given.",
    )
    broker_memory_limit_bytes: Annotated[int, Field(ge=1_000_000)] | None = Field(
        default=None,
        description="Bytes that the broker may use, when that is not its maxmemory.",
    )
