"""APOD: NASA's picture of the day."""

from libs.common.clock import Clock
from libs.common.errors import RequestRejectedError
from libs.common.events import Origin
from libs.common.polling.providers import Reading
from libs.common.upstream.client import Answer
from services.ingest_space.normalize import day_to_try, picture_events
from services.ingest_space.providers.nasa import NasaApi
from services.ingest_space.providers.reading import read_page

_PATH = "/planetary/apod"


class Apod:
    """The newest picture."""

    name = NasaApi.name
    origin = Origin.LIVE

    def __init__(self, api: NasaApi, clock: Clock) -> None:
        self.budget = api.budget
        self._api = api
        self._clock = clock

    async def poll(self) -> Reading:
        """Return today's picture, or the one of the day before while there is none yet."""
        answer = await self._newest()
        return read_page(answer, picture_events, self.name)

    async def _newest(self) -> Answer:
        # Asked without a date, because only the service knows its current day.
        try:
            return await self._api.get(_PATH, {"thumbs": "true"})
        except RequestRejectedError as error:
            day = day_to_try(str(error), self._clock.now().date())
            if day is None:
                raise
        return await self._api.get(_PATH, {"thumbs": "true", "date": day.isoformat()})
