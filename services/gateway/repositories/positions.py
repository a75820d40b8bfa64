"""Positions of the station and the elements of its orbit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from libs.common.database import Pool
from libs.common.events import IssPosition, IssPositionEvent, Origin
from libs.common.events.envelope import Moment
from services.gateway.cursor import Order
from services.gateway.models.elements import ElementSet
from services.gateway.repositories.reading import (
    Conditions,
    Reader,
    Row,
    Selection,
    Slice,
    selection,
)

Direction = Literal["asc", "desc"]

_ORDERS = {
    direction: Order(direction, {"time": Moment, "id": UUID}, descending=direction == "desc")
    for direction in ("asc", "desc")
}
_NEWEST_ELEMENTS = Order("newest", {"epoch": Moment, "id": UUID})


@dataclass(frozen=True, slots=True)
class StoredPosition:
    """A row of `iss_positions`, as the event that it came from."""

    event: IssPositionEvent
    stored_at: datetime


class PositionRepository:
    """Reads where the station was."""

    def __init__(self, pool: Pool) -> None:
        self._reader = Reader(pool)

    async def page(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        direction: Direction = "desc",
        cursor: str | None = None,
        limit: int = 100,
    ) -> Slice[StoredPosition]:
        """Return positions with `since <= time < until`.

        Raises:
            InvalidCursorError: It is no cursor of this direction.
        """
        conditions = (
            Conditions().add("time >= %(since)s", since=since).add("time < %(until)s", until=until)
        )
        return await self._reader.page(
            _POSITIONS, conditions, _ORDERS[direction], cursor=cursor, limit=limit
        )

    async def elements(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Slice[ElementSet]:
        """Return sets of elements with `since <= epoch < until`, the newest first.

        Raises:
            InvalidCursorError: It is no cursor of elements.
        """
        conditions = (
            Conditions()
            .add("epoch >= %(since)s", since=since)
            .add("epoch < %(until)s", until=until)
        )
        return await self._reader.page(
            _ELEMENTS, conditions, _NEWEST_ELEMENTS, cursor=cursor, limit=limit
        )


_DATA = tuple(name for name in IssPosition.model_fields if name != "elements_age_s")
_ENVELOPE = ("id", "time", "fetched_at", "stored_at", "origin", "provider")


def _read(rows: Sequence[Row]) -> list[StoredPosition]:
    return [_stored_position(row) for row in rows]


def _stored_position(row: Row) -> StoredPosition:
    epoch: datetime | None = row["elements_epoch"]
    data = IssPosition.model_construct(
        elements_age_s=(row["time"] - epoch).total_seconds() if epoch else None,
        **{name: row[name] for name in _DATA},
    )
    # Not validated again: the row was written from a valid event.
    event = IssPositionEvent.model_construct(
        id=row["id"],
        source=IssPositionEvent.SOURCE,
        type="cassiopeia.iss.position.v1",
        subject=str(row["norad_id"]),
        time=row["time"].astimezone(UTC),
        fetchedat=row["fetched_at"].astimezone(UTC),
        origin=Origin(row["origin"]),
        provider=row["provider"],
        data=data,
    )
    return StoredPosition(event, row["stored_at"].astimezone(UTC))


_POSITIONS = Selection("iss_positions", (*_ENVELOPE, *_DATA), _read)
_ELEMENTS = selection("iss_elements", ElementSet)
