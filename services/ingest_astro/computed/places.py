"""Where a body stands in the sky of a place on the Earth. Pure."""

from typing import Any, NamedTuple

import astronomy

from libs.common.events import AstroObserver
from services.ingest_astro.computed.sky import body_of
from services.ingest_astro.computed.times import rounded


class Horizontal(NamedTuple):
    """Altitude with refraction, and azimuth from north through east."""

    altitude_deg: float
    azimuth_deg: float


def library_observer(observer: AstroObserver) -> Any:  # noqa: ANN401 - the library has no types
    """Return an observer as the library's type."""
    return astronomy.Observer(observer.latitude_deg, observer.longitude_deg, observer.elevation_m)


def horizontal(name: str, place: Any, time: Any) -> Horizontal:  # noqa: ANN401 - as above
    """Return where the centre of a body stands above a place."""
    seen = astronomy.Equator(body_of(name), time, place, ofdate=True, aberration=True)
    there = astronomy.Horizon(time, place, seen.ra, seen.dec, astronomy.Refraction.Normal)
    return Horizontal(rounded(there.altitude, 2), rounded(there.azimuth, 2))


def altitude_deg(name: str, place: Any, time: Any) -> float:  # noqa: ANN401 - as above
    """Return how high the centre of a body stands above a place, with refraction."""
    return horizontal(name, place, time).altitude_deg
