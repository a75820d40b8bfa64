"""The space documents: pictures, asteroids, flares, mass ejections, launches."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from libs.common.database import Pool
from libs.common.events.envelope import Moment
from services.gateway.cursor import Order
from services.gateway.models.space import Approach, Ejection, Flare, LaunchShown, Picture
from services.gateway.repositories.reading import (
    Conditions,
    Reader,
    Slice,
    selection,
)
from services.gateway.routing import Text

_PICTURES = selection("space_apod", Picture)
_APPROACHES = selection("space_neo", Approach)
_FLARES = selection("space_flares", Flare)
_EJECTIONS = selection("space_cmes", Ejection)
_LAUNCHES = selection("space_launches", LaunchShown)

_PICTURES_ORDER = Order("apod", {"picture_date": date})
_APPROACHES_ORDER = Order(
    "neo", {"time": Moment, "neo_id": Text, "approach_date": date, "orbiting_body": Text}
)
_FLARES_ORDER = Order("flares", {"begin_time": Moment, "flare_id": Text})
_EJECTIONS_ORDER = Order("cmes", {"start_time": Moment, "cme_id": Text})
_NEXT_FIRST = Order("launches_next", {"net": Moment, "launch_id": Text}, descending=False)
_LAST_FIRST = Order("launches_last", {"net": Moment, "launch_id": Text})


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchFilter:
    """Which launches; None leaves a condition out. `since <= net < until`."""

    since: datetime | None = None
    until: datetime | None = None
    provider: str | None = None
    next_first: bool = True


class SpaceRepository:
    """Reads the space documents; pages raise `InvalidCursorError` for a cursor of another list."""

    def __init__(self, pool: Pool) -> None:
        self._reader = Reader(pool)

    async def pictures(
        self,
        *,
        since: date | None = None,
        until: date | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Slice[Picture]:
        """Return pictures of `since <= day <= until`, the newest first."""
        conditions = _days("picture_date", since, until)
        return await self._reader.page(
            _PICTURES, conditions, _PICTURES_ORDER, cursor=cursor, limit=limit
        )

    async def picture(self, day: date) -> Picture | None:
        """Return the picture of a day."""
        return await self._reader.first(_PICTURES, Conditions().add("picture_date = %(d)s", d=day))

    async def approaches(
        self,
        *,
        since: date | None = None,
        until: date | None = None,
        hazardous: bool | None = None,
        neo_id: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Slice[Approach]:
        """Return passages of `since <= day <= until`, the latest first."""
        conditions = (
            _days("approach_date", since, until)
            .add("is_potentially_hazardous = %(hazardous)s", hazardous=hazardous)
            .add("neo_id = %(neo_id)s", neo_id=neo_id)
        )
        return await self._reader.page(
            _APPROACHES, conditions, _APPROACHES_ORDER, cursor=cursor, limit=limit
        )

    async def flares(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        letter: str | None = None,
        min_flux_w_m2: float | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Slice[Flare]:
        """Return flares that began in a window, of a class or at least as strong, newest first."""
        conditions = (
            _window("begin_time", since, until)
            .add("starts_with(class_type, %(letter)s)", letter=letter)
            .add("peak_flux_w_m2 >= %(flux)s", flux=min_flux_w_m2)
        )
        return await self._reader.page(
            _FLARES, conditions, _FLARES_ORDER, cursor=cursor, limit=limit
        )

    async def flare(self, flare_id: str) -> Flare | None:
        """Return a flare."""
        return await self._reader.first(_FLARES, Conditions().add("flare_id = %(i)s", i=flare_id))

    async def ejections(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        min_speed_km_s: float | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Slice[Ejection]:
        """Return ejections that were first seen in a window, the newest first."""
        conditions = _window("start_time", since, until).add(
            "speed_km_s >= %(speed)s", speed=min_speed_km_s
        )
        return await self._reader.page(
            _EJECTIONS, conditions, _EJECTIONS_ORDER, cursor=cursor, limit=limit
        )

    async def ejection(self, cme_id: str) -> Ejection | None:
        """Return an ejection."""
        return await self._reader.first(_EJECTIONS, Conditions().add("cme_id = %(i)s", i=cme_id))

    async def launches(
        self, which: LaunchFilter, *, cursor: str | None = None, limit: int = 50
    ) -> Slice[LaunchShown]:
        """Return launches by time."""
        conditions = _window("net", which.since, which.until).add(
            "lower(provider_name) = lower(%(provider)s)", provider=which.provider
        )
        order = _NEXT_FIRST if which.next_first else _LAST_FIRST
        return await self._reader.page(_LAUNCHES, conditions, order, cursor=cursor, limit=limit)

    async def launch(self, launch_id: str) -> LaunchShown | None:
        """Return a launch."""
        return await self._reader.first(
            _LAUNCHES, Conditions().add("launch_id = %(i)s", i=launch_id)
        )


_Day = Literal["picture_date", "approach_date"]
_Time = Literal["begin_time", "start_time", "net"]


def _days(column: _Day, since: date | None, until: date | None) -> Conditions:
    """Return the condition for a window of days, its last one included."""
    return (
        Conditions()
        .add(column + " >= %(since)s", since=since)
        .add(column + " <= %(until)s", until=until)
    )


def _window(column: _Time, since: datetime | None, until: datetime | None) -> Conditions:
    """Return the condition for a window of moments, without its end."""
    return (
        Conditions()
        .add(column + " >= %(since)s", since=since)
        .add(column + " < %(until)s", until=until)
    )
