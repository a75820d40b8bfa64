"""How events become rows, as far as no database is needed to know it."""

import pytest

from libs.common.events import EVENT_CLASSES, Event
from services.persistence.tables import TABLE_OF, TABLES, Table
from tests.factories import elements_event, position_event


def test_every_event_has_a_table() -> None:
    """Whatever can be published can be stored."""
    assert set(TABLE_OF) == set(EVENT_CLASSES)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_is_well_formed(table: Table) -> None:
    """Columns have different names, and the first one is the time."""
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert table.columns[0].type == "timestamptz"
    assert "id" in names


@pytest.mark.parametrize(
    ("event", "derived"),
    # The age of the elements is the difference of two other columns.
    [(position_event(), {"elements_age_s"}), (elements_event(), set())],
    ids=["position", "elements"],
)
def test_no_field_of_the_station_is_forgotten(event: Event, derived: set[str]) -> None:
    """Every field of the payload is a column, but for what follows from others."""
    stored = {column.path.removeprefix("data.") for column in TABLE_OF[type(event)].columns}
    is_time = {"epoch"} if event.TYPE.startswith("cassiopeia.iss.elements") else set()
    assert set(type(event.data).model_fields) - stored == derived | is_time


def test_a_row_has_its_values_in_the_order_of_the_columns() -> None:
    """The values of a row stand where their columns do, the origin as a plain text."""
    event = position_event(3)
    table = TABLE_OF[type(event)]
    row = dict(zip([column.name for column in table.columns], table.row(event), strict=True))
    assert (row["time"], row["id"], row["sequence"]) == (event.time, event.id, event.sequence)
    assert (type(row["origin"]), row["origin"]) == (str, "live")
    assert row["latitude_deg"] == event.data.latitude_deg
    assert row["upstream_body"] == event.data.upstream_body
