"""How long rows are kept: the settings, and the moment before which a table keeps nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from libs.common.settings import PREFIX, DatabaseSettings
from services.persistence.durations import duration

FOREVER = "forever"
_SETTING = "retention_"


def _retention(value: object) -> object:
    if value is None or value == FOREVER:
        return None
    kept = duration(value, "dy") if isinstance(value, str) else None
    if kept is None:
        raise ValueError(f"expected days or years such as 30d or 1y, or {FOREVER}")
    return kept


# None means for ever.
Retention = Annotated[timedelta | None, BeforeValidator(_retention)]


class RetentionSettings(DatabaseSettings):
    """How long each table keeps its rows; the catalogues, which change in place, have no limit."""

    retention_iss_positions: Retention = Field(
        default=None, description="Positions: `30d`, `1y`, `forever`."
    )
    retention_iss_positions_minute: Retention = Field(
        default=None, description="Roll-ups by minute, at least as long as the positions."
    )
    retention_iss_positions_hour: Retention = Field(
        default=None, description="Roll-ups by hour, at least as long as the positions."
    )
    retention_iss_elements: Retention = Field(default=None, description="Elements, by epoch.")
    retention_astro_events: Retention = Field(default=None, description="Events of the sky.")
    retention_space_apod: Retention = Field(default=None, description="Pictures of the day.")
    retention_space_neo: Retention = Field(default=None, description="Asteroids, by approach.")
    retention_space_flares: Retention = Field(default=None, description="Flares, by begin.")
    retention_space_cmes: Retention = Field(default=None, description="Ejections, by start.")
    retention_space_launches: Retention = Field(default=None, description="Launches, by net.")

    @model_validator(mode="after")
    def _roll_ups_outlive_rows(self) -> Self:
        # Otherwise a late row would start its bucket anew, and the bucket would hold only that row.
        rows = self.retention_iss_positions
        for name in ("retention_iss_positions_minute", "retention_iss_positions_hour"):
            kept: timedelta | None = getattr(self, name)
            if kept is not None and (rows is None or kept < rows):
                raise ValueError(
                    f"{PREFIX}{name.upper()}: expected at least as long as"
                    f" {PREFIX}RETENTION_ISS_POSITIONS"
                )
        return self

    @property
    def retention(self) -> Mapping[str, timedelta | None]:
        """How long the rows of each table are kept, by table; None means for ever."""
        return {
            name.removeprefix(_SETTING): getattr(self, name)
            for name in type(self).model_fields
            if name.startswith(_SETTING)
        }


def floor_of(now: datetime, kept: timedelta) -> datetime:
    """Return the moment before which a table keeps nothing: the start of a month, in UTC.

    Whole months are removed, so that a partition can be dropped at once, and so that roll-ups that
    are kept as long as their rows have the same floor.
    """
    oldest = now.astimezone(UTC) - kept
    return oldest.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
