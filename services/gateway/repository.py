"""All SQL of the gateway; its role can only read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from psycopg import sql
from psycopg.rows import dict_row

from libs.common.database import Pool
from libs.common.events import IssPosition, IssPositionEvent, Origin
from services.gateway.cursor import Cursor

Order = Literal["asc", "desc"]


@dataclass(frozen=True, slots=True)
class StoredPosition:
    """A row of `iss_positions`, as the event that it came from."""

    event: IssPositionEvent
    stored_at: datetime


class Repository:
    """Reads history."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def positions(
        self,
        *,
        since: datetime | None,
        until: datetime | None,
        after: Cursor | None,
        order: Order,
        limit: int,
    ) -> list[StoredPosition]:
        """Return positions with `since <= time < until`, from behind a cursor on."""
        conditions: list[sql.Composable] = [sql.SQL("true")]
        values: list[object] = []
        if since is not None:
            conditions.append(sql.SQL("time >= %s"))
            values.append(since)
        if until is not None:
            conditions.append(sql.SQL("time < %s"))
            values.append(until)
        if after is not None:
            comparison = "<" if order == "desc" else ">"
            conditions.append(sql.SQL("(time, id) {} (%s, %s)").format(sql.SQL(comparison)))
            values += [after.time, after.id]
        direction = sql.SQL("DESC" if order == "desc" else "ASC")
        statement = sql.SQL(
            "SELECT * FROM iss_positions WHERE {} ORDER BY time {}, id {} LIMIT %s"
        ).format(sql.SQL(" AND ").join(conditions), direction, direction)
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(statement, [*values, limit])
            return [_stored_position(row) for row in await cursor.fetchall()]


_DATA = tuple(name for name in IssPosition.model_fields if name != "elements_age_s")


def _stored_position(row: Mapping[str, Any]) -> StoredPosition:
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
