"""Stored astronomical events, which stand in while no service computes them."""

from collections.abc import Collection
from datetime import datetime

from psycopg import sql

from libs.common.database import Pool
from libs.common.events import AstroEvent, AstroKind
from services.gateway.models.sky import SkyEvent, shown_event
from services.gateway.models.told import Told
from services.gateway.repositories.reading import Conditions, Reader, Row

# A year has about 150 events that are the same for the whole Earth.
MAX_EVENTS = 2_000


class AstroRepository:
    """Reads the stored events."""

    def __init__(self, pool: Pool) -> None:
        self._reader = Reader(pool)

    async def global_events(
        self, since: datetime, until: datetime, kinds: Collection[AstroKind] | None = None
    ) -> list[SkyEvent]:
        """Return the events of the whole Earth with `since <= time < until`, by time."""
        conditions = (
            Conditions()
            .add("observer_name IS NULL")
            .add("time >= %(since)s", since=since)
            .add("time < %(until)s", until=until)
            .add("kind = ANY(%(kinds)s)", kinds=None if kinds is None else list(kinds))
        )
        statement = sql.SQL(
            "SELECT time, fetched_at, stored_at, origin, provider, data FROM astro_events"
            " WHERE {} ORDER BY time, key LIMIT %(limit)s"
        ).format(conditions.where)
        rows = await self._reader.rows(statement, {**conditions.values, "limit": MAX_EVENTS})
        return [_event(row) for row in rows]


def _event(row: Row) -> SkyEvent:
    # Not strict: JSON has texts where the model wants times.
    data = AstroEvent.model_validate(row["data"], strict=False)
    return shown_event(data, Told.model_validate({name: row[name] for name in Told.model_fields}))
