"""The orbit model against recorded answers, published values and what must always hold."""

import itertools
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events import IssElements
from services.ingest_iss.earth import Vector, dot
from services.ingest_iss.omm import parse_omm
from services.ingest_iss.orbit import SatelliteState, position_at, teme_state
from services.ingest_iss.shipped_elements import SHIPPED_OMM
from tests.unit.ingest_iss.recorded import (
    ELEMENTS,
    IN_SHADOW,
    POSITIONS,
    Recorded,
    earth_fixed_km,
)
from tests.unit.ingest_iss.tle import elements_from_tle

SHIPPED = parse_omm(SHIPPED_OMM)
# A year: far longer than elements stay good, so every answer that the service can give is inside.
OFFSETS = st.timedeltas(min_value=timedelta(days=-30), max_value=timedelta(days=365))

recorded_positions = pytest.mark.parametrize(
    "recorded", POSITIONS, ids=lambda recorded: str(recorded.timestamp)
)


def moment(timestamp: int) -> datetime:
    """Return a Unix time as an aware one."""
    return datetime.fromtimestamp(timestamp, UTC)


def distance_km(state: SatelliteState, recorded: Recorded) -> float:
    """Return how far apart a computed and a recorded place are, in space."""
    return math.dist(
        earth_fixed_km(state.latitude_deg, state.longitude_deg, state.altitude_km),
        earth_fixed_km(recorded.latitude, recorded.longitude, recorded.altitude),
    )


@recorded_positions
def test_agrees_with_the_recorded_position(recorded: Recorded) -> None:
    """From the same elements it is within 10 m of the recorded place, of the 1 km allowed."""
    assert distance_km(position_at(ELEMENTS, moment(recorded.timestamp)), recorded) < 0.01


@recorded_positions
def test_agrees_at_the_recorded_second_only(recorded: Recorded) -> None:
    """A second earlier or later the station is kilometres away, so the times agree as well."""
    for second in (-1, 1):
        state = position_at(ELEMENTS, moment(recorded.timestamp + second))
        assert distance_km(state, recorded) > 6


@recorded_positions
def test_gives_the_recorded_derived_fields(recorded: Recorded) -> None:
    """Velocity, footprint, Julian day and Sun are those that were recorded."""
    state = position_at(ELEMENTS, moment(recorded.timestamp))
    assert state.velocity_kmh == pytest.approx(recorded.velocity, abs=0.01)
    assert state.footprint_km == pytest.approx(recorded.footprint, abs=0.05)
    assert state.julian_day == pytest.approx(recorded.daynum, abs=1e-7)
    assert state.solar_latitude_deg == pytest.approx(recorded.solar_lat, abs=0.01)
    assert state.solar_longitude_deg % 360 == pytest.approx(recorded.solar_lon, abs=0.01)


@pytest.mark.parametrize(
    ("recorded", "visibility"),
    [(recorded, "daylight") for recorded in POSITIONS] + [(IN_SHADOW, "eclipsed")],
)
def test_tells_sunlight_from_shadow_as_recorded(recorded: Recorded, visibility: str) -> None:
    """The recorded `visible` is sunlight too: it depends on an observer that we do not have."""
    assert position_at(ELEMENTS, moment(recorded.timestamp)).visibility == visibility


# AIAA 2006-6753, "Revisiting Spacetrack Report #3", the published answers of its test cases:
# minutes from the epoch, km, km/s. Of its 33 satellites those with a period below 225 minutes.
VANGUARD = (
    "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753",
    "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667",
)
DELTA_1_DEBRIS = (
    "1 06251U 62025E   06176.82412014  .00008885  00000-0  12808-3 0  3985",
    "2 06251  58.0579  54.0425 0030035 139.1568 221.1854 15.56387291  6774",
)
CBERS_2 = (
    "1 28057U 03049A   06177.78615833  .00000060  00000-0  35940-4 0  1836",
    "2 28057  98.4283 247.6961 0000884  88.1964 271.9322 14.35478080140550",
)


@pytest.mark.parametrize(
    ("tle", "minutes", "position", "velocity"),
    [
        (
            VANGUARD,
            0,
            (7022.46529266, -1400.08296755, 0.03995155),
            (1.893841015, 6.405893759, 4.534807250),
        ),
        (
            VANGUARD,
            4320,
            (-9060.47373569, 4658.70952502, 813.68673153),
            (-2.232832783, -4.110453490, -3.157345433),
        ),
        (
            DELTA_1_DEBRIS,
            0,
            (3988.31022699, 5498.96657235, 0.90055879),
            (-3.290032738, 2.357652820, 6.496623475),
        ),
        (
            DELTA_1_DEBRIS,
            600,
            (-4329.10008198, -5176.70287935, 409.65313857),
            (2.858408303, -2.933091792, -6.509690397),
        ),
        (
            CBERS_2,
            600,
            (-2506.52558454, -6628.98655094, -988.07784497),
            (-1.390577189, -0.556164143, 7.312736468),
        ),
    ],
)
def test_gives_the_published_verification_values(
    tle: tuple[str, str],
    minutes: int,
    position: tuple[float, float, float],
    velocity: tuple[float, float, float],
) -> None:
    """SGP4 runs with the constants that the elements are made for."""
    elements = elements_from_tle(*tle)
    computed = teme_state(elements, elements.epoch + timedelta(minutes=minutes))
    # 1 cm: the epoch as a datetime is good to half a microsecond, 4 mm of path.
    assert computed[0] == pytest.approx(position, abs=1e-5)
    assert computed[1] == pytest.approx(velocity, abs=1e-8)


def test_successive_element_sets_agree() -> None:
    """From elements nine days older than others, the position differs by 20 km and not more."""
    older = parse_omm(
        {
            **SHIPPED_OMM,
            "EPOCH": "2026-09-30T20:27:19.351584",
            "MEAN_MOTION": 15.48699564,
            "ECCENTRICITY": 0.00070054,
            "INCLINATION": 51.6316,
            "RA_OF_ASC_NODE": 137.1559,
            "ARG_OF_PERICENTER": 207.6272,
            "MEAN_ANOMALY": 152.4345,
            "BSTAR": 0.000076930548,
        }
    )
    apart = math.dist(
        teme_state(older, SHIPPED.epoch)[0],
        teme_state(SHIPPED, SHIPPED.epoch)[0],
    )
    assert 15 < apart < 25


@given(OFFSETS)
def test_every_value_is_in_its_range(offset: timedelta) -> None:
    """Whenever it is asked for, a state is one that the station can have."""
    state = position_at(SHIPPED, SHIPPED.epoch + offset)
    # The geodetic latitude exceeds the inclination by at most 0.19 deg.
    assert abs(state.latitude_deg) <= SHIPPED.inclination_deg + 0.2
    assert -180 <= state.longitude_deg < 180
    assert 370 < state.altitude_km < 450
    assert 27_400 < state.velocity_kmh < 27_750
    assert 4_200 < state.footprint_km < 4_700
    assert abs(state.solar_latitude_deg) <= 23.45
    assert -180 <= state.solar_longitude_deg < 180


@given(OFFSETS)
def test_a_second_moves_it_by_its_speed(offset: timedelta) -> None:
    """Seen from the rotating Earth the station moves 6 to 8 km in any second: no jump, no halt."""
    when = SHIPPED.epoch + offset
    first, second = (position_at(SHIPPED, when + timedelta(seconds=s)) for s in (0, 1))
    moved = math.dist(
        earth_fixed_km(first.latitude_deg, first.longitude_deg, first.altitude_km),
        earth_fixed_km(second.latitude_deg, second.longitude_deg, second.altitude_km),
    )
    assert 6 < moved < 8


@given(OFFSETS)
def test_the_shadow_is_on_the_night_side(offset: timedelta) -> None:
    """Above the day side there is sunlight; 110 degrees from the Sun and beyond there is shadow."""
    state = position_at(SHIPPED, SHIPPED.epoch + offset)
    place = earth_fixed_km(state.latitude_deg, state.longitude_deg, state.altitude_km)
    # At this distance the Sun's direction is the same from everywhere near the Earth.
    sun = earth_fixed_km(state.solar_latitude_deg, state.solar_longitude_deg, 1.5e8)
    cosine = dot(Vector(*place), Vector(*sun)) / (math.hypot(*place) * math.hypot(*sun))
    angle = math.degrees(math.acos(cosine))
    # From 420 km up the horizon is 20.2 degrees below the horizontal, 110.2 from the zenith.
    if angle < 108:
        assert state.visibility == "daylight"
    elif angle > 113:
        assert state.visibility == "eclipsed"


def test_the_shadow_lasts_as_long_as_geometry_says() -> None:
    """With the Sun 56 degrees off the orbit's plane, a sphere's shadow takes 26.5 of 93 minutes."""
    flags = [
        position_at(SHIPPED, SHIPPED.epoch + timedelta(seconds=10 * step)).visibility
        for step in range(6 * 93)
    ]
    changes = sum(a != b for a, b in itertools.pairwise(flags))
    assert flags.count("eclipsed") / 6 == pytest.approx(26.5, abs=0.5)
    assert changes == 2


def test_refuses_a_time_without_zone() -> None:
    """A time without zone is an error, not a guess."""
    naive = datetime(2026, 10, 9, 12)  # noqa: DTZ001 - the error is what this test is about
    with pytest.raises(ValueError, match="when: expected an aware time"):
        position_at(SHIPPED, naive)


def test_says_why_sgp4_has_no_position() -> None:
    """Long after the elements the model orbit has decayed, and the error says so."""
    with pytest.raises(ValueError, match=r"SGP4 error 6 .* the satellite has decayed"):
        position_at(SHIPPED, SHIPPED.epoch + timedelta(days=4_000))


def test_new_elements_take_effect() -> None:
    """What is kept of one element set is not used for another."""
    when = SHIPPED.epoch
    turned = SHIPPED.model_copy(update={"raan_deg": SHIPPED.raan_deg - 10})
    moved = (
        position_at(turned, when).longitude_deg - position_at(SHIPPED, when).longitude_deg
    ) % 360
    assert moved == pytest.approx(350, abs=1e-6)


def test_needs_no_small_catalogue_number() -> None:
    """A catalogue number that two-line elements cannot hold changes nothing."""
    renumbered: IssElements = SHIPPED.model_copy(update={"norad_id": 270_123_456})
    assert position_at(renumbered, SHIPPED.epoch) == position_at(SHIPPED, SHIPPED.epoch)
