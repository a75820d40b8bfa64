"""Greatest elongations: Mercury or Venus at its largest angle from the Sun. Pure."""

from collections.abc import Iterator

import astronomy

from libs.common.events import AstroEvent, AstroKind
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.sky import INNER_PLANETS, Sky, body_of
from services.ingest_astro.computed.times import Window, moment_of, rounded, start_of_day

# Two greatest elongations of one planet are at least 37 days apart, so a step holds at most one.
_STEP_D = 20


def greatest_elongations(window: Window, sky: Sky) -> Iterator[Happening]:
    """Find all greatest elongations; `morning` is west of the Sun, `evening` east."""
    del sky
    days = window.days()
    for planet in INNER_PLANETS:
        first = days.start // _STEP_D * _STEP_D
        for day in range(first, days.stop, _STEP_D):
            found = astronomy.SearchMaxElongation(body_of(planet), start_of_day(day))
            # Each event belongs to the last step before it, so no window finds it twice.
            if found.time.ut - start_of_day(day).ut >= _STEP_D:
                continue
            variant = found.visibility.name.lower()
            yield Happening(
                moment_of(found.time),
                AstroEvent(
                    kind=AstroKind.GREATEST_ELONGATION,
                    variant=variant,
                    title=f"{planet.capitalize()} at greatest elongation in the {variant} sky",
                    bodies=[planet],
                    elongation_deg=rounded(found.elongation),
                    magnitude=rounded(astronomy.Illumination(body_of(planet), found.time).mag, 2),
                ),
            )
