"""What a table is to persistence: columns, and where in an event their values are."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

from libs.common.events import Event


class Column(NamedTuple):
    """A column, its PostgreSQL type, and where in an event its value is."""

    name: str
    type: str
    path: str


@dataclass(frozen=True)
class RollUp:
    """How a table's rows are summed up by minute and by hour.

    Attributes:
        values: Columns that get `_min`, `_max`, `_sum` and `_last`.
        last_only: Columns that get `_last` alone, such as an angle that jumps from 180 to -180.
    """

    values: tuple[str, ...]
    last_only: tuple[str, ...] = ()


# Compared by identity (eq=False): the table is looked up for each event of a batch, and hashing all
# its columns would be a tenth of the work.
@dataclass(frozen=True, eq=False)
class Table:
    """The table of one event type.

    Attributes:
        name: The table's name.
        columns: In the order in which they are written; the first is the time.
        by_month: Whether the table is partitioned by the month of the time.
        latest_of: The columns that identify a thing, if the table keeps one row per thing, the
            one that was fetched last; empty if it keeps every event.
        kept_by: The column that tells how old a row is, if that is not the time.
        roll_up: What is summed up in the tables `<name>_minute` and `<name>_hour`.
        history: A table with the same columns that keeps every version of a thing.
    """

    name: str
    columns: tuple[Column, ...]
    by_month: bool = False
    latest_of: tuple[str, ...] = ()
    kept_by: str = ""
    roll_up: RollUp | None = None
    history: str = ""

    @property
    def age_column(self) -> str:
        """The column that tells how old a row is."""
        return self.kept_by or self.columns[0].name

    @cached_property
    def row(self) -> Callable[[Event], tuple[Any, ...]]:
        """The function that makes a row from an event."""
        return attrgetter(*(column.path for column in self.columns))


def envelope_columns(*, time: str = "time") -> list[Column]:
    """Return the columns that every table has, the time under the given name."""
    return [
        Column(time, "timestamptz", "time"),
        Column("id", "uuid", "id"),
        Column("fetched_at", "timestamptz", "fetchedat"),
        Column("origin", "text", "origin.value"),
        Column("provider", "text", "provider"),
    ]


def data_columns(type_: str, *names: str) -> list[Column]:
    """Return columns of one type with the names of the payload's fields."""
    return [Column(name, type_, f"data.{name}") for name in names]
