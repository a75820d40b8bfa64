"""How the events of each type become rows: one line per column."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

from libs.common.events import Event, IssElementsEvent, IssPositionEvent


class Column(NamedTuple):
    """A column, its PostgreSQL type, and where in the event its value stands."""

    name: str
    type: str
    path: str


@dataclass(frozen=True)
class Table:
    """The table of one event type.

    Attributes:
        name: Its name.
        columns: In the order in which they are written; the first is the time.
        by_month: Whether it is partitioned by the month of its time.
    """

    name: str
    columns: tuple[Column, ...]
    by_month: bool = False

    @cached_property
    def row(self) -> Callable[[Event], tuple[Any, ...]]:
        """Return the function that makes a row of an event."""
        return attrgetter(*(column.path for column in self.columns))


def _envelope(*, time: str = "time") -> list[Column]:
    return [
        Column(time, "timestamptz", "time"),
        Column("id", "uuid", "id"),
        Column("fetched_at", "timestamptz", "fetchedat"),
        Column("origin", "text", "origin.value"),
        Column("provider", "text", "provider"),
    ]


def _data(type_: str, *names: str) -> list[Column]:
    return [Column(name, type_, f"data.{name}") for name in names]


ISS_POSITIONS = Table(
    "iss_positions",
    (
        *_envelope(),
        Column("sequence", "int8", "sequence"),
        *_data("int4", "norad_id"),
        *_data("text", "name", "visibility", "source_url"),
        *_data(
            "float8",
            "latitude_deg",
            "longitude_deg",
            "altitude_km",
            "velocity_kmh",
            "footprint_km",
            "solar_latitude_deg",
            "solar_longitude_deg",
        ),
        *_data("timestamptz", "elements_epoch"),
        *_data("bool", "elements_trusted"),
        *_data("jsonb", "upstream_body"),
    ),
    by_month=True,
)

ISS_ELEMENTS = Table(
    "iss_elements",
    (
        *_envelope(time="epoch"),
        *_data("int4", "norad_id", "element_set_number", "revolution_number"),
        *_data("text", "object_name", "object_id"),
        *_data(
            "float8",
            "mean_motion_rev_per_day",
            "eccentricity",
            "inclination_deg",
            "raan_deg",
            "arg_perigee_deg",
            "mean_anomaly_deg",
            "bstar",
            "mean_motion_dot",
            "mean_motion_ddot",
        ),
    ),
)

TABLE_OF: dict[type[Event], Table] = {
    IssPositionEvent: ISS_POSITIONS,
    IssElementsEvent: ISS_ELEMENTS,
}
TABLES = tuple(TABLE_OF.values())
