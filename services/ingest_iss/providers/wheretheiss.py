"""wheretheiss.at: the position, computed by that service from elements of the same day."""

from datetime import timedelta

from libs.common.events import Origin, Provenance
from libs.common.polling.budget import Limit
from libs.common.polling.providers import Reading
from libs.common.upstream.client import UpstreamClient
from services.ingest_iss.normalize import ISS_NORAD_ID, position_event

# The documentation says roughly one call a second; the headers say 350 in 5 minutes.
LIMITS = (Limit(calls=1, period_s=1.0), Limit(calls=350, period_s=300.0))


class WhereTheIss:
    """Positions from api.wheretheiss.at."""

    name = "wheretheiss.at"
    origin = Origin.LIVE

    def __init__(self, client: UpstreamClient, stale_after: timedelta) -> None:
        self.budget = client.budget
        self._client = client
        self._stale_after = stale_after

    async def poll(self) -> Reading:
        """Return the present position."""
        answer = await self._client.get_json(f"/satellites/{ISS_NORAD_ID}", {"units": "kilometers"})
        provenance = Provenance(self.name, self.origin, answer.fetched_at)
        event = answer.read(
            lambda body: position_event(
                body, provenance, source_url=answer.url, stale_after=self._stale_after
            )
        )
        return Reading([event])
