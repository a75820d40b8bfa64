"""Equinoxes and solstices: the Sun's apparent ecliptic longitude is 0, 90, 180, 270 deg. Pure."""

from collections.abc import Iterator

import astronomy

from libs.common.events import AstroEvent, AstroKind
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.sky import SUN, Sky, half_turn
from services.ingest_astro.computed.sun_longitude import apparent_longitude_deg
from services.ingest_astro.computed.times import Window, moment_of

_NAMES = {
    "mar_equinox": (0.0, "march_equinox", "March equinox"),
    "jun_solstice": (90.0, "june_solstice", "June solstice"),
    "sep_equinox": (180.0, "september_equinox", "September equinox"),
    "dec_solstice": (270.0, "december_solstice", "December solstice"),
}
_DAYS_PER_DEG = 365.2422 / 360
# The library's moment is at most a minute off; each step leaves a thirtieth of the error.
_STEPS = 4


def seasons(window: Window, sky: Sky) -> Iterator[Happening]:
    """Find all equinoxes and solstices."""
    del sky
    for year in window.years():
        found = astronomy.Seasons(year)
        for field, (longitude_deg, variant, title) in _NAMES.items():
            time = getattr(found, field)
            for _ in range(_STEPS):
                missing = half_turn(longitude_deg - apparent_longitude_deg(time))
                time = time.AddDays(missing * _DAYS_PER_DEG)
            yield Happening(
                moment_of(time),
                AstroEvent(kind=AstroKind.SEASON, variant=variant, title=title, bodies=[SUN]),
            )
