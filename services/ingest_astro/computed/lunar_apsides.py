"""Perigee and apogee of the Moon: the extremes of its geocentric distance. Pure."""

from collections.abc import Iterator

import astronomy

from libs.common.events import AstroEvent, AstroKind
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.sky import MOON, Sky
from services.ingest_astro.computed.times import Window, moment_of, rounded, start_of_day


def lunar_apsides(window: Window, sky: Sky) -> Iterator[Happening]:
    """Find all perigees and apogees."""
    del window
    distances = sky.distances(MOON)
    for index in range(1, len(distances) - 1):
        before, here, after = distances[index - 1 : index + 2]
        if (here - before) * (after - here) > 0:
            continue
        # The extreme is within a day of this day, and the previous one 12 days away.
        found = astronomy.SearchLunarApsis(start_of_day(sky.days[index] - 2))
        nearest = found.kind is astronomy.ApsisKind.Pericenter
        yield Happening(
            moment_of(found.time),
            AstroEvent(
                kind=AstroKind.LUNAR_APSIS,
                variant="perigee" if nearest else "apogee",
                title=f"Moon at {'perigee' if nearest else 'apogee'}",
                bodies=[MOON],
                distance_km=rounded(found.dist_km, 0),
            ),
        )
