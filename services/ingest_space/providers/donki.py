"""DONKI: NASA's database of space weather, behind api.nasa.gov."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from libs.common.clock import Clock
from libs.common.errors import BodyRejectedError
from libs.common.events import Origin, Provenance
from libs.common.polling.providers import Reading
from services.ingest_space.normalize import Page, ejection_events, flare_events
from services.ingest_space.providers.nasa import NasaApi
from services.ingest_space.providers.reading import read_page


class _Donki:
    """One kind of activity, from the last days up to today."""

    name = NasaApi.name
    origin = Origin.LIVE

    def __init__(self, api: NasaApi, days: int, clock: Clock) -> None:
        self.budget = api.budget
        self._api = api
        self._days = days
        self._clock = clock

    async def _read(self, path: str, normalize: Callable[[Any, Provenance], Page]) -> Reading:
        today = self._clock.now().date()
        try:
            answer = await self._api.get(
                path,
                {
                    "startDate": (today - timedelta(days=self._days)).isoformat(),
                    "endDate": today.isoformat(),
                },
            )
        except BodyRejectedError as error:
            # An empty body has been reported in place of an empty list.
            if error.body.strip():
                raise
            return Reading(())
        return read_page(answer, normalize, self.name)


class Flares(_Donki):
    """Solar flares."""

    async def poll(self) -> Reading:
        """Return the flares as they are known now."""
        return await self._read("/DONKI/FLR", flare_events)


class Ejections(_Donki):
    """Coronal mass ejections."""

    async def poll(self) -> Reading:
        """Return the ejections as they are known now."""
        return await self._read("/DONKI/CME", ejection_events)
