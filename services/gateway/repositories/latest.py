"""The newest state from the database, with which memory is filled before the streams are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import sql

from libs.common.database import Pool
from libs.common.events import (
    ApodEvent,
    ApodPicture,
    AstroEvent,
    AstroEventEvent,
    CoronalMassEjection,
    CoronalMassEjectionEvent,
    Event,
    IssElements,
    IssElementsEvent,
    JwstImage,
    JwstImageEvent,
    Launch,
    LaunchEvent,
    NearEarthObject,
    NearEarthObjectEvent,
    Origin,
    OsdrDataset,
    OsdrDatasetEvent,
    Provenance,
    SolarFlare,
    SolarFlareEvent,
    Strict,
)
from services.gateway.repositories.reading import Reader, Row


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the rows of a table become the events that they were."""

    statement: LiteralString
    model: type[Strict]
    wrap: Callable[[Any, Row, Provenance], Event]

    def event(self, row: Row) -> Event:
        """Return the event of a row."""
        # Not strict: the database gives an array as a list of plain texts.
        data = self.model.model_validate(dict(row.get("data") or row), strict=False)
        told = Provenance(row["provider"], Origin(row["origin"]), row["fetched_at"])
        return self.wrap(data, row, told)


# `day` is the start of the present day in UTC, `now` the moment. The limits are those of latest/.
_KINDS = (
    _Kind(
        "SELECT * FROM iss_elements ORDER BY epoch DESC, fetched_at DESC LIMIT 1",
        IssElements,
        lambda data, _, told: IssElementsEvent.of_elements(data, provenance=told),
    ),
    _Kind(
        "SELECT * FROM space_apod ORDER BY picture_date DESC LIMIT 1",
        ApodPicture,
        lambda data, _, told: ApodEvent.of_picture(data, provenance=told),
    ),
    _Kind(
        "SELECT * FROM space_neo WHERE approach_date >= %(day)s::date - 2"
        " ORDER BY approach_date LIMIT 1000",
        NearEarthObject,
        lambda data, _, told: NearEarthObjectEvent.of_approach(data, provenance=told),
    ),
    _Kind(
        "SELECT * FROM space_flares WHERE begin_time >= %(day)s - interval '5 days'"
        " ORDER BY begin_time DESC LIMIT 1000",
        SolarFlare,
        lambda data, _, told: SolarFlareEvent.of_flare(data, provenance=told),
    ),
    _Kind(
        "SELECT * FROM space_cmes WHERE start_time >= %(day)s - interval '5 days'"
        " ORDER BY start_time DESC LIMIT 1000",
        CoronalMassEjection,
        lambda data, _, told: CoronalMassEjectionEvent.of_ejection(data, provenance=told),
    ),
    _Kind(
        "SELECT * FROM space_launches WHERE net >= %(now)s - interval '1 day'"
        " ORDER BY net LIMIT 1000",
        Launch,
        lambda data, _, told: LaunchEvent.of_launch(data, provenance=told),
    ),
    _Kind(
        "SELECT * FROM osdr_datasets ORDER BY fetched_at DESC, number DESC LIMIT 1",
        OsdrDataset,
        lambda data, _, told: OsdrDatasetEvent.of_dataset(data, provenance=told),
    ),
    _Kind(
        "SELECT * FROM jwst_gallery ORDER BY time DESC, image_id DESC LIMIT 12",
        JwstImage,
        lambda data, _, told: JwstImageEvent.of_image(data, provenance=told),
    ),
    _Kind(
        "SELECT * FROM astro_events WHERE observer_name IS NULL AND time >= %(now)s"
        " ORDER BY time LIMIT 1000",
        AstroEvent,
        lambda data, row, told: AstroEventEvent.of_event(data, time=row["time"], provenance=told),
    ),
)


class LatestRepository:
    """Reads the newest state of everything but the positions."""

    def __init__(self, pool: Pool) -> None:
        self._reader = Reader(pool)

    async def events(self, now: datetime) -> list[Event]:
        """Return the newest version of all that matters now."""
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        values: Mapping[str, object] = {"now": now, "day": day}
        found: list[Event] = []
        for kind in _KINDS:
            rows = await self._reader.rows(sql.SQL(kind.statement), values)
            found += [kind.event(row) for row in rows]
        return found
