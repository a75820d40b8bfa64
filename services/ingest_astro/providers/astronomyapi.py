"""AstronomyAPI: eclipses seen from a place, merged with the computed ones."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from libs.common.clock import Clock
from libs.common.errors import AccessRefusedError, RequestRejectedError
from libs.common.events import AstroObserver, Origin, Provenance
from libs.common.polling.budget import Limit
from libs.common.polling.providers import Reading, Reject
from libs.common.upstream.client import UpstreamClient
from services.ingest_astro.merging import SAME_EVENT, confirm
from services.ingest_astro.normalize import Announced, announced_events
from services.ingest_astro.providers.computed import BEHIND, ComputedEvents, events_of

NAME = "astronomyapi"
# AstronomyAPI publishes no limit. A day needs two calls per place, so at most 40.
LIMITS = (Limit(calls=120, period_s=3_600.0),)
BODIES = ("sun", "moon")
# With both ends counted, this is the allowed window of 366 days.
WINDOW = timedelta(days=365)
_MESSAGE = re.compile(r'"message"\s*:\s*"((?:[^"\\]|\\.){1,200})"')


class AstronomyApi:
    """Announced eclipses confirm computed ones; everything else is computed."""

    name = NAME
    origin = Origin.LIVE

    def __init__(
        self,
        client: UpstreamClient,
        computed: ComputedEvents,
        observers: Sequence[AstroObserver],
        clock: Clock,
    ) -> None:
        self.budget = client.budget
        self._client = client
        self._computed = computed
        self._observers = observers
        self._clock = clock

    async def poll(self) -> Reading:
        """Return all events; those that are announced as well are marked as confirmed."""
        now = self._clock.now()
        pages = [
            await self._page(body, observer, now) for observer in self._observers for body in BODIES
        ]
        announced = [event for page in pages for event in page.events]
        merged, others = confirm(await self._computed.happenings(now), announced, self.name)
        # The upstream's window starts with a whole day. An event from before ours may have been
        # computed and confirmed earlier; its bare announcement would replace it under the same key.
        others = [each for each in others if each.time >= now - BEHIND + SAME_EVENT]
        reading = self._computed.reading(merged, now)
        provenance = Provenance(self.name, self.origin, now)
        return replace(
            reading,
            events=[*reading.events, *events_of(others, provenance)],
            rejects=[
                Reject(json.dumps(unread.record).encode(), unread.reason)
                for page in pages
                for unread in page.unread
            ],
        )

    async def _page(self, body: str, observer: AstroObserver, now: datetime) -> Announced:
        try:
            answer = await self._client.get_json(
                f"/bodies/events/{body}", _parameters(observer, now - BEHIND)
            )
        except AccessRefusedError as error:
            raise AccessRefusedError(_refusal(str(error))) from None
        except RequestRejectedError as error:
            raise RequestRejectedError(_rejection(str(error))) from None
        return answer.read(lambda document: announced_events(document, observer))


def _parameters(observer: AstroObserver, start: datetime) -> Mapping[str, str]:
    return {
        "latitude": f"{observer.latitude_deg:.4f}",
        "longitude": f"{observer.longitude_deg:.4f}",
        "elevation": f"{observer.elevation_m:.0f}",
        "from_date": start.date().isoformat(),
        "to_date": (start + WINDOW).date().isoformat(),
        "time": "00:00:00",
        "output": "rows",
    }


def _refusal(message: str) -> str:
    """Word a 403 without its body, which may echo the credentials."""
    if "missing equal-sign" in message:
        return f"{NAME} does not know the path: check CASSIOPEIA_ASTRONOMYAPI_URL"
    return (
        f"{NAME} refuses the credentials: check CASSIOPEIA_ASTRONOMYAPI_ID and"
        " CASSIOPEIA_ASTRONOMYAPI_SECRET; it also refuses right ones now and then"
    )


def _rejection(message: str) -> str:
    """Shorten a 422, which repeats the whole request, to its complaint."""
    head = message.partition(":")[0]
    found = _MESSAGE.search(message)
    complaint = found[1].replace('\\"', '"') if found else "no reason that can be read"
    return f"{head}: {complaint}"
