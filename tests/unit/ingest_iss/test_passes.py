"""Passes against an independent, dense sampling of the station's positions."""

import itertools
import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest_iss.orbit import position_at
from services.ingest_iss.passes import Site, magnitude, passes
from services.ingest_iss.providers.shipped import shipped_elements
from tests.unit.ingest_iss.recorded import earth_fixed_km

ELEMENTS = shipped_elements()
START = ELEMENTS.epoch
DAY = timedelta(days=1)
MOSCOW = Site(55.7558, 37.6176, 150.0)
SITES = [
    MOSCOW,
    Site(0.0, -78.5, 2_850.0),
    # The station turns around over the first; the second sees it from the side, all day long.
    Site(-51.6, 10.0),
    Site(62.0, 129.7),
    Site(38.4, 180.0),
]
STEP_S = 5


class Sample(NamedTuple):
    """What an observer sees at one moment; degrees and kilometres."""

    time: datetime
    elevation: float
    azimuth: float
    distance: float
    visible: bool


def sampled(site: Site, start: datetime, end: datetime) -> Iterator[Sample]:
    """Walk through a window in small steps, in the frame that turns with the Earth.

    From latitude, longitude and altitude, where `passes` works in the frame of the stars.
    """
    here = earth_fixed_km(site.latitude_deg, site.longitude_deg, site.elevation_m / 1_000)
    latitude, longitude = math.radians(site.latitude_deg), math.radians(site.longitude_deg)
    up = (
        math.cos(latitude) * math.cos(longitude),
        math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    )
    east = (-math.sin(longitude), math.cos(longitude), 0.0)
    north = (
        -math.sin(latitude) * math.cos(longitude),
        -math.sin(latitude) * math.sin(longitude),
        math.cos(latitude),
    )
    moment = start
    while moment < end:
        state = position_at(ELEMENTS, moment)
        there = earth_fixed_km(state.latitude_deg, state.longitude_deg, state.altitude_km)
        line = [a - b for a, b in zip(there, here, strict=True)]
        distance = math.hypot(*line)
        sun_hour = math.radians(site.longitude_deg - state.solar_longitude_deg)
        sun_latitude = math.radians(state.solar_latitude_deg)
        sun = math.sin(latitude) * math.sin(sun_latitude) + math.cos(latitude) * math.cos(
            sun_latitude
        ) * math.cos(sun_hour)
        yield Sample(
            moment,
            math.degrees(math.asin(product(line, up) / distance)),
            math.degrees(math.atan2(product(line, east), product(line, north))) % 360,
            distance,
            state.visibility == "daylight" and math.degrees(math.asin(sun)) <= -6,
        )
        moment += timedelta(seconds=STEP_S)


def product(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the scalar product."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def seen_above(site: Site, minimum: float, start: datetime, end: datetime) -> list[list[Sample]]:
    """Return the samples above an elevation, those of one pass together."""
    groups = itertools.groupby(sampled(site, start, end), key=lambda s: s.elevation > minimum)
    return [list(samples) for above, samples in groups if above]


@pytest.mark.parametrize("site", SITES, ids=str)
@pytest.mark.parametrize("minimum", [0.0, 10.0])
def test_passes_are_those_of_a_dense_sampling(site: Site, minimum: float) -> None:
    """None is missing and none is added; the moments are within a step, the angles with them."""
    expected = seen_above(site, minimum, START, START + DAY)
    found = passes(ELEMENTS, site, START, START + DAY, minimum)
    # The sampling cannot see a pass that is shorter than its step.
    found = [p for p in found if (p.set.time - p.rise.time).total_seconds() > 2 * STEP_S]
    expected = [samples for samples in expected if len(samples) > 2]
    assert len(found) == len(expected)
    step = timedelta(seconds=STEP_S)
    for one, samples in zip(found, expected, strict=True):
        highest = max(samples, key=lambda sample: sample.elevation)
        if samples[0].time > START:
            assert timedelta(0) <= samples[0].time - one.rise.time <= step
            assert one.rise.elevation_deg == pytest.approx(minimum, abs=0.02)
        if samples[-1].time + step < START + DAY:
            assert timedelta(0) <= one.set.time - samples[-1].time <= step
            assert one.set.elevation_deg == pytest.approx(minimum, abs=0.02)
        assert one.culmination.elevation_deg >= highest.elevation - 0.01
        assert abs(one.culmination.time - highest.time) <= step
        assert one.visible == any(sample.visible for sample in samples) or short(samples)


def short(samples: list[Sample]) -> bool:
    """Tell whether a pass is visible for less than two steps, which either side may miss."""
    return 0 < sum(sample.visible for sample in samples) <= 2


@pytest.mark.parametrize("site", SITES[:3], ids=str)
def test_azimuths_and_ranges(site: Site) -> None:
    """Where the station rises and how far away it is, by the other way of computing."""
    for one in passes(ELEMENTS, site, START, START + DAY, 10.0):
        for moment in (one.rise, one.culmination, one.set):
            sample = next(sampled(site, moment.time, moment.time + DAY))
            # Overhead, the azimuth turns by degrees in a tenth of a second.
            if moment.elevation_deg < 80:
                turn = (moment.azimuth_deg - sample.azimuth + 180) % 360 - 180
                assert abs(turn) < 0.1
            assert moment.elevation_deg == pytest.approx(sample.elevation, abs=0.03)
            assert moment.range_km == pytest.approx(sample.distance, abs=1.0)


def test_visible_passes_come_in_twilight() -> None:
    """In ten days some are visible; then the station is lit, and as bright as a star at least."""
    found = [p for p in passes(ELEMENTS, MOSCOW, START, START + 10 * DAY) if p.visible]
    assert found
    for one in found:
        assert one.magnitude is not None
        assert -5 < one.magnitude < 3
        assert one.visible_from is not None
        assert one.visible_to is not None
        assert one.brightest_at is not None
        assert one.rise.time <= one.visible_from <= one.brightest_at
        assert one.brightest_at <= one.visible_to <= one.set.time


def test_brightness() -> None:
    """The standard is met at 1,000 km half lit; half the distance is 1.5 magnitudes brighter."""
    assert magnitude(1_000, 90) == pytest.approx(-1.8)
    assert magnitude(500, 90) == pytest.approx(-1.8 - 1.505, abs=0.001)
    # Fully lit, the sphere gives pi times the light; lit from behind, none.
    assert magnitude(1_000, 0) == pytest.approx(-1.8 - 2.5 * math.log10(math.pi))
    assert magnitude(1_000, 179) > 5
    assert math.isfinite(magnitude(1_000, 180))


def test_a_pass_in_progress_counts() -> None:
    """At the beginning of the window and at its end."""
    first, second = passes(ELEMENTS, MOSCOW, START, START + DAY)[:2]
    found = passes(ELEMENTS, MOSCOW, first.culmination.time, second.culmination.time)
    assert [p.rise.time for p in found] == [first.rise.time, second.rise.time]


def test_beyond_the_stations_reach_there_is_none() -> None:
    """From Svalbard it never rises 10 deg high."""
    assert passes(ELEMENTS, Site(78.2, 15.6), START, START + 10 * DAY) == []


def test_a_place_that_no_station_can_have_is_not_seen() -> None:
    """Decades before its elements SGP4 has it thousands of kilometres too high, without error."""
    with pytest.raises(ValueError, match="km high"):
        passes(ELEMENTS, MOSCOW, START - 36 * 365 * DAY, START - 36 * 365 * DAY + DAY)


@settings(max_examples=30, deadline=None)
@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    minimum=st.floats(0, 89),
    hours=st.floats(0, 240),
)
def test_passes_are_in_order_everywhere(
    latitude: float, longitude: float, minimum: float, hours: float
) -> None:
    """Rise, culmination and set follow each other, and the next pass comes after."""
    start = START + timedelta(hours=hours)
    found = passes(ELEMENTS, Site(latitude, longitude), start, start + DAY, minimum)
    times = [moment.time for p in found for moment in (p.rise, p.culmination, p.set)]
    assert times == sorted(times)
    for one in found:
        assert one.culmination.elevation_deg >= minimum - 0.01
        assert one.culmination.elevation_deg >= one.rise.elevation_deg - 0.01
        assert one.visible == (one.magnitude is not None)
