"""Computed events against published tables, 2024 to 2030: none missing, none added, all in time."""

from datetime import timedelta
from itertools import pairwise

import pytest

from libs.common.events import AstroKind
from services.ingest_astro.computed.catalogue import events_for
from services.ingest_astro.computed.happening import Happening
from tests.unit.ingest_astro.published import (
    DELTA_T,
    EARTH_APSIDES,
    LUNAR_ECLIPSES,
    MOON_PHASES,
    SEASONS,
    SHOWERS_2026,
    SOLAR_ECLIPSES_TD,
    at,
)

START, END = at("2024-01-01 00:00"), at("2031-01-01 00:00")


def computed(kind: AstroKind) -> list[Happening]:
    """Return the events of one kind in the years of the tables."""
    return events_for(None, START, END, {kind})


def test_solar_eclipses() -> None:
    """All sixteen are found, each of its kind, within 2 minutes of its greatest eclipse."""
    found = computed(AstroKind.SOLAR_ECLIPSE)
    assert [happening.event.variant for happening in found] == list(SOLAR_ECLIPSES_TD.values())
    for happening, published in zip(found, SOLAR_ECLIPSES_TD, strict=True):
        assert abs(happening.time - (at(published) - DELTA_T)) < timedelta(minutes=2)


def test_solar_eclipses_have_their_place() -> None:
    """Where the axis of the shadow meets the Earth there is a place: for 2024, in Mexico."""
    for happening in computed(AstroKind.SOLAR_ECLIPSE):
        event = happening.event
        assert (event.latitude_deg is not None) == (event.variant != "partial")
    first = computed(AstroKind.SOLAR_ECLIPSE)[0].event
    # NASA's catalogue: 25.3 N, 104.1 W.
    assert first.latitude_deg == pytest.approx(25.3, abs=0.1)
    assert first.longitude_deg == pytest.approx(-104.1, abs=0.1)
    assert first.obscuration == 1.0


def test_lunar_eclipses() -> None:
    """All sixteen are found, the barely penumbral one too, within 2 minutes."""
    found = computed(AstroKind.LUNAR_ECLIPSE)
    assert [happening.event.variant for happening in found] == list(LUNAR_ECLIPSES.values())
    for happening, published in zip(found, LUNAR_ECLIPSES, strict=True):
        assert abs(happening.time - at(published)) < timedelta(minutes=2)


def test_lunar_eclipse_contacts_are_in_order() -> None:
    """A total one has seven moments, a partial one five, a penumbral one three."""
    count = {"total": 7, "partial": 5, "penumbral": 3}
    for happening in computed(AstroKind.LUNAR_ECLIPSE):
        event = happening.event
        times = [contact.time for contact in event.contacts]
        assert times == sorted(times)
        assert len(times) == count[event.variant]
        assert (event.start, event.end) == (times[0], times[-1])
        assert happening.time in times


@pytest.mark.parametrize("variant", SEASONS)
def test_seasons(variant: str) -> None:
    """Every equinox and solstice is within a minute of the almanac's."""
    found = [h.time for h in computed(AstroKind.SEASON) if h.event.variant == variant]
    for time, published in zip(found, SEASONS[variant], strict=True):
        # The almanac rounds to the minute.
        assert abs(time - at(published)) <= timedelta(seconds=60)


@pytest.mark.parametrize("published", MOON_PHASES)
def test_moon_phases(published: str) -> None:
    """Each published phase is there within a minute."""
    near = events_for(
        None,
        at(published) - timedelta(days=1),
        at(published) + timedelta(days=1),
        {AstroKind.MOON_PHASE},
    )
    assert [happening.event.variant for happening in near] == [MOON_PHASES[published]]
    assert abs(near[0].time - at(published)) <= timedelta(seconds=60)


def test_no_moon_phase_is_missing() -> None:
    """Seven years have 347 of them, in their order, none further from the next than 8.4 days."""
    found = computed(AstroKind.MOON_PHASE)
    order = ["new", "first_quarter", "full", "last_quarter"]
    first = order.index(found[0].event.variant)
    for index, happening in enumerate(found):
        assert happening.event.variant == order[(first + index) % 4]
    gaps = [later.time - earlier.time for earlier, later in pairwise(found)]
    assert min(gaps) > timedelta(days=6.4)
    assert max(gaps) < timedelta(days=8.4)
    assert len(found) == 347


@pytest.mark.parametrize("variant", EARTH_APSIDES)
def test_perihelion_and_aphelion(variant: str) -> None:
    """They are within an hour: the distance hardly changes there, by some 3 km in that time."""
    found = [h.time for h in computed(AstroKind.EARTH_APSIS) if h.event.variant == variant]
    for time, published in zip(found, EARTH_APSIDES[variant], strict=True):
        assert abs(time - at(published)) < timedelta(hours=1)


def test_meteor_showers() -> None:
    """Their days, rates and speeds in 2026 are those of the working list."""
    found = events_for(None, at("2026-01-01"), at("2027-01-01"), {AstroKind.METEOR_SHOWER})
    listed = {}
    for time, event in found:
        assert event.iau_code
        assert event.start
        assert event.end
        days = (f"{event.start:%Y-%m-%d}", f"{event.end:%Y-%m-%d}", f"{time:%Y-%m-%d}")
        rate = None if event.iau_code == "PPU" else event.zenithal_hourly_rate
        listed[event.iau_code] = (*days, rate, event.speed_kms)
    assert listed == SHOWERS_2026


@pytest.mark.parametrize("year", [2024, 2025, 2027])
def test_meteor_showers_of_other_years(year: int) -> None:
    """An activity begins and ends on the same days, or within hours of their midnights."""
    found = events_for(
        None, at(f"{year}-02-01"), at(f"{year + 1}-01-01"), {AstroKind.METEOR_SHOWER}
    )
    assert len(found) == len(SHOWERS_2026) - 1
    for _, event in found:
        assert event.start
        assert event.end
        first, last, *_ = SHOWERS_2026[event.iau_code or ""]
        for moment, day in ((event.start, first), (event.end, last)):
            noon = at(f"{day} 12:00").replace(year=year)
            assert abs(moment - noon) < timedelta(hours=15)
