"""All kinds of computed events, and the functions that compute them. Pure."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from libs.common.events import AstroKind, AstroObserver
from services.ingest_astro.computed.conjunctions import conjunctions
from services.ingest_astro.computed.earth_apsides import earth_apsides
from services.ingest_astro.computed.elongations import greatest_elongations
from services.ingest_astro.computed.happening import GlobalSearch, Happening
from services.ingest_astro.computed.lunar_apsides import lunar_apsides
from services.ingest_astro.computed.lunar_eclipses import local_lunar_eclipses, lunar_eclipses
from services.ingest_astro.computed.meteor_showers import meteor_showers
from services.ingest_astro.computed.moon_phases import moon_phases
from services.ingest_astro.computed.oppositions import oppositions
from services.ingest_astro.computed.rise_set import moon_rise_set, sun_rise_set
from services.ingest_astro.computed.seasons import seasons
from services.ingest_astro.computed.sky import Sky
from services.ingest_astro.computed.solar_eclipses import local_solar_eclipses, solar_eclipses
from services.ingest_astro.computed.times import Window
from services.ingest_astro.computed.transits import planet_transits

LocalSearch = Callable[[Window, AstroObserver], Iterator[Happening]]

GLOBAL: Mapping[AstroKind, GlobalSearch] = MappingProxyType(
    {
        AstroKind.MOON_PHASE: moon_phases,
        AstroKind.LUNAR_ECLIPSE: lunar_eclipses,
        AstroKind.SOLAR_ECLIPSE: solar_eclipses,
        AstroKind.SEASON: seasons,
        AstroKind.CONJUNCTION: conjunctions,
        AstroKind.OPPOSITION: oppositions,
        AstroKind.GREATEST_ELONGATION: greatest_elongations,
        AstroKind.PLANET_TRANSIT: planet_transits,
        AstroKind.LUNAR_APSIS: lunar_apsides,
        AstroKind.EARTH_APSIS: earth_apsides,
        AstroKind.METEOR_SHOWER: meteor_showers,
    }
)
LOCAL: Mapping[AstroKind, LocalSearch] = MappingProxyType(
    {
        AstroKind.LUNAR_ECLIPSE: local_lunar_eclipses,
        AstroKind.SOLAR_ECLIPSE: local_solar_eclipses,
        AstroKind.SUN_RISE_SET: sun_rise_set,
        AstroKind.MOON_RISE_SET: moon_rise_set,
    }
)
ECLIPSES = frozenset({AstroKind.LUNAR_ECLIPSE, AstroKind.SOLAR_ECLIPSE})
DAILY = frozenset({AstroKind.SUN_RISE_SET, AstroKind.MOON_RISE_SET})
# The library's lunar theory and its model of delta T are good enough from 1900 to 2100.
EARLIEST_YEAR, LATEST_YEAR = 1900, 2100


def _no_check() -> None:
    """Let a computation take as long as it needs."""


def events_for(
    observer: AstroObserver | None,
    start: datetime,
    end: datetime,
    kinds: Collection[AstroKind] | None = None,
    check: Callable[[], None] = _no_check,
) -> list[Happening]:
    """Compute the events whose peak is in a window, in the order of their times.

    Args:
        observer: The place for eclipses and for rise and set; None leaves local events out.
        start: First moment, aware.
        end: First moment after the window, aware.
        kinds: What to look for; None for everything.
        check: Called often during the computation; it may raise to end it.

    Raises:
        ValueError: The window is empty, has no time zone, or exceeds the years 1900 to 2100.
    """
    return sorted(
        [
            *global_events(start, end, kinds, check),
            *(local_events(observer, start, end, kinds, check) if observer else ()),
        ],
        key=lambda happening: happening.time,
    )


def global_events(
    start: datetime,
    end: datetime,
    kinds: Collection[AstroKind] | None = None,
    check: Callable[[], None] = _no_check,
) -> Iterator[Happening]:
    """Compute what is the same for the whole Earth; arguments as for `events_for`."""
    window = _checked(start, end)
    sky = Sky(window)
    for kind, search in GLOBAL.items():
        if kinds is None or kind in kinds:
            check()
            for happening in search(window, sky):
                check()
                if happening.time in window:
                    yield happening


def local_events(
    observer: AstroObserver,
    start: datetime,
    end: datetime,
    kinds: Collection[AstroKind] | None = None,
    check: Callable[[], None] = _no_check,
) -> Iterator[Happening]:
    """Compute what depends on the place; arguments as for `events_for`."""
    window = _checked(start, end)
    for kind, search in LOCAL.items():
        if kinds is None or kind in kinds:
            check()
            for happening in search(window, observer):
                check()
                if happening.time in window:
                    yield happening


def _checked(start: datetime, end: datetime) -> Window:
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("start, end: expected aware times")
    if start >= end:
        raise ValueError(f"end: expected a time after {start.isoformat()}, got {end.isoformat()}")
    if start.year < EARLIEST_YEAR or end.year > LATEST_YEAR:
        raise ValueError(f"start: expected a window within {EARLIEST_YEAR} to {LATEST_YEAR}")
    return Window(start, end)
