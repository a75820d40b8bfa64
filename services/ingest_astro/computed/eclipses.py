"""What lunar and solar eclipses have in common. Pure."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import astronomy

from libs.common.events import AstroContact, AstroEvent, AstroKind, AstroObserver
from services.ingest_astro.computed.moon_phases import phase_times
from services.ingest_astro.computed.sky import MOON, SUN
from services.ingest_astro.computed.times import Window, moment_of, rounded

# There is no eclipse when the full or new Moon is further from the ecliptic: the limits are 1.6 and
# 1.58 deg (Meeus, Astronomical Algorithms, chapter 54).
_MAX_LATITUDE_DEG = 1.7
_WORDS = {AstroKind.LUNAR_ECLIPSE: ("lunar", MOON), AstroKind.SOLAR_ECLIPSE: ("solar", SUN)}


def eclipses(
    window: Window, quarter: int, search: Callable[[Any], Any]
) -> Iterator[tuple[datetime, Any]]:
    """Find the eclipses whose peak is in a window.

    Args:
        window: The window.
        quarter: The phase of the Moon: new or full.
        search: The library's search for the next eclipse after a time.

    Yields:
        The moment of the peak, and the library's eclipse.
    """
    for _, phase in phase_times(window, (quarter,)):
        if abs(astronomy.EclipticGeoMoon(phase).lat) > _MAX_LATITUDE_DEG:
            continue
        eclipse = search(phase.AddDays(-1.0))
        # A local eclipse has an altitude at its peak, beside the time.
        peak = getattr(eclipse.peak, "time", eclipse.peak)
        # If this phase has no eclipse, the search went on to another phase, weeks later.
        if abs(peak.ut - phase.ut) < 1 and moment_of(peak) in window:
            yield moment_of(peak), eclipse


def seen_from(
    observer: AstroObserver,
    kind: AstroKind,
    eclipse: Any,  # noqa: ANN401 - the library has no types
    contacts: Sequence[AstroContact],
    altitude_deg: float,
) -> AstroEvent:
    """Return an eclipse as a place sees it: contacts in order, and the altitude at its peak."""
    word, body = _WORDS[kind]
    variant = eclipse.kind.name.lower()
    return AstroEvent(
        kind=kind,
        variant=variant,
        title=f"{variant.capitalize()} {word} eclipse seen from {observer.name}"[:200],
        bodies=[body],
        start=contacts[0].time,
        end=contacts[-1].time,
        obscuration=rounded(eclipse.obscuration),
        altitude_deg=altitude_deg,
        observer=observer,
        visible=altitude_deg > 0,
        contacts=list(contacts),
    )
