"""How the events of each type become rows: a file per domain, one line per column."""

from libs.common.events import Event, IssElementsEvent, IssPositionEvent
from services.persistence.tables.columns import Column, Table
from services.persistence.tables.iss import ISS_ELEMENTS, ISS_POSITIONS

__all__ = ["TABLES", "TABLE_OF", "Column", "Table"]

TABLE_OF: dict[type[Event], Table] = {
    IssPositionEvent: ISS_POSITIONS,
    IssElementsEvent: ISS_ELEMENTS,
}
TABLES = tuple(TABLE_OF.values())
