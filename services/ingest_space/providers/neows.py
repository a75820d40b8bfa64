"""NeoWs: the asteroids that pass the Earth."""

from datetime import timedelta

from libs.common.clock import Clock
from libs.common.events import Origin
from libs.common.polling.providers import Reading
from services.ingest_space.normalize import approach_events
from services.ingest_space.providers.nasa import NasaApi
from services.ingest_space.providers.reading import read_page


class NeoWs:
    """The passages from the last days up to today."""

    name = NasaApi.name
    origin = Origin.LIVE

    def __init__(self, api: NasaApi, days: int, clock: Clock) -> None:
        self.budget = api.budget
        self._api = api
        self._days = days
        self._clock = clock

    async def poll(self) -> Reading:
        """Return the passages, one event per object, day and passed body."""
        today = self._clock.now().date()
        answer = await self._api.get(
            "/neo/rest/v1/feed",
            {
                "start_date": (today - timedelta(days=self._days)).isoformat(),
                "end_date": today.isoformat(),
            },
        )
        return read_page(answer, approach_events, self.name)
