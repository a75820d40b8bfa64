"""The position, computed here from the newest known elements."""

from collections.abc import Sequence
from datetime import timedelta

from libs.common.clock import Clock
from libs.common.errors import UpstreamError
from libs.common.events import (
    Event,
    IssElements,
    IssElementsEvent,
    IssPosition,
    IssPositionEvent,
    Origin,
    Provenance,
)
from libs.common.polling.providers import Reading
from libs.common.polling.published import LastAnswer
from services.ingest_iss.normalize import ISS_NORAD_ID
from services.ingest_iss.orbit import SatelliteState, position_at
from services.ingest_iss.providers.shipped import shipped_elements


class ComputedPosition:
    """Positions by SGP4, in the same fields as the upstream's."""

    name = "sgp4"
    origin = Origin.COMPUTED
    budget = None

    def __init__(self, elements: LastAnswer, max_age: timedelta, clock: Clock) -> None:
        self._elements = elements
        self._max_age = max_age
        self._clock = clock

    async def poll(self) -> Reading:
        """Return the position at the current whole second, as the upstream does."""
        now = self._clock.now()
        elements = newest_elements(await self._elements.load())
        try:
            state = position_at(elements, now.replace(microsecond=0))
        except ValueError as error:
            raise UpstreamError(str(error)) from error
        provenance = Provenance(self.name, self.origin, now)
        return Reading([computed_event(state, elements, provenance, self._max_age)])


def newest_elements(known: Sequence[Event]) -> IssElements:
    """Return the newest of the known elements and those shipped with the project."""
    candidates = [event.data for event in known if isinstance(event, IssElementsEvent)]
    return max([shipped_elements(), *candidates], key=lambda elements: elements.epoch)


def computed_event(
    state: SatelliteState, elements: IssElements, provenance: Provenance, max_age: timedelta
) -> IssPositionEvent:
    """Wrap a computed state into an event, with the age of the elements that it is based on."""
    age = state.time - elements.epoch
    position = IssPosition(
        norad_id=ISS_NORAD_ID,
        name="iss",
        latitude_deg=state.latitude_deg,
        longitude_deg=state.longitude_deg,
        altitude_km=state.altitude_km,
        velocity_kmh=state.velocity_kmh,
        footprint_km=state.footprint_km,
        visibility=state.visibility,
        solar_latitude_deg=state.solar_latitude_deg,
        solar_longitude_deg=state.solar_longitude_deg,
        source_url="computed:sgp4",
        upstream_body=_as_the_upstream_would(state),
        elements_epoch=elements.epoch,
        elements_age_s=age.total_seconds(),
        elements_trusted=abs(age) <= max_age,
    )
    return IssPositionEvent.of_position(position, time=state.time, provenance=provenance)


def _as_the_upstream_would(state: SatelliteState) -> dict[str, object]:
    return {
        "name": "iss",
        "id": ISS_NORAD_ID,
        "latitude": state.latitude_deg,
        "longitude": state.longitude_deg,
        "altitude": state.altitude_km,
        "velocity": state.velocity_kmh,
        "visibility": state.visibility,
        "footprint": state.footprint_km,
        "timestamp": int(state.time.timestamp()),
        "daynum": state.julian_day,
        "solar_lat": state.solar_latitude_deg,
        # The only longitude that the upstream counts eastward from 0 to 360.
        "solar_lon": state.solar_longitude_deg % 360.0,
        "units": "kilometers",
    }
