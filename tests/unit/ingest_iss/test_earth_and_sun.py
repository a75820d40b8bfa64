"""The Earth's rotation and shape, and the Sun, against published values."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest_iss.earth import (
    Vector,
    footprint_km,
    geodetic,
    gmst_deg,
    julian_day,
    wrapped_deg,
)
from services.ingest_iss.sun import in_umbra, subsolar_point, sun_position
from tests.unit.ingest_iss.recorded import SUBSOLAR_2015, earth_fixed_km


def test_sidereal_time_of_a_published_example() -> None:
    """Meeus, Astronomical Algorithms, example 12.a: 13h10m46.3668s on 1987-04-10 at 0h."""
    expected = 15 * (13 + 10 / 60 + 46.3668 / 3600)
    assert gmst_deg(datetime(1987, 4, 10, tzinfo=UTC)) == pytest.approx(expected, abs=1e-6)


def test_julian_day_of_j2000() -> None:
    """2000-01-01 12:00 is Julian day 2451545."""
    assert julian_day(datetime(2000, 1, 1, 12, tzinfo=UTC)) == 2451545.0


@given(st.floats(-1e6, 1e6))
def test_wrapping_keeps_the_direction(angle: float) -> None:
    """A wrapped angle lies in [-180, 180) and differs by whole turns."""
    wrapped = wrapped_deg(angle)
    assert -180 <= wrapped < 180
    assert math.remainder(wrapped - angle, 360) == pytest.approx(0, abs=1e-6)


@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 179.999),
    altitude=st.floats(0, 2_000),
    gmst=st.floats(0, 360),
)
def test_geodetic_inverts_the_ellipsoid(
    latitude: float, longitude: float, altitude: float, gmst: float
) -> None:
    """A place turned into a vector and back is the same place to a micrometre."""
    there = earth_fixed_km(latitude, longitude + gmst, altitude)
    place = geodetic(Vector(*there), gmst)
    again = earth_fixed_km(place.latitude_deg, place.longitude_deg + gmst, place.altitude_km)
    assert math.dist(there, again) < 1e-9
    assert -90 <= place.latitude_deg <= 90
    assert -180 <= place.longitude_deg < 180


@pytest.mark.parametrize(("z", "latitude"), [(6_800.0, 90), (-6_800.0, -90)])
def test_geodetic_holds_at_the_poles(z: float, latitude: float) -> None:
    """Above a pole the altitude counts from the semi-minor axis, 6356.752 km."""
    place = geodetic(Vector(0, 0, z), 0)
    assert place.latitude_deg == pytest.approx(latitude)
    assert place.altitude_km == pytest.approx(6_800 - 6_356.752314, abs=1e-6)


@pytest.mark.parametrize(("timestamp", "latitude", "longitude"), SUBSOLAR_2015)
def test_the_sun_is_where_it_was_recorded(
    timestamp: int, latitude: float, longitude: float
) -> None:
    """The subsolar points recorded in 2015 come out within 0.01 degrees."""
    when = datetime.fromtimestamp(timestamp, UTC)
    subsolar = subsolar_point(sun_position(when), gmst_deg(when))
    assert subsolar.latitude_deg == pytest.approx(latitude, abs=0.01)
    assert subsolar.longitude_deg % 360 == pytest.approx(longitude, abs=0.01)


@pytest.mark.parametrize(
    ("when", "declination"),
    [
        (datetime(2026, 3, 20, 14, 46, tzinfo=UTC), 0.0),
        (datetime(2026, 6, 21, 8, 24, tzinfo=UTC), 23.436),
        (datetime(2026, 9, 23, 0, 5, tzinfo=UTC), 0.0),
        (datetime(2026, 12, 21, 20, 50, tzinfo=UTC), -23.436),
    ],
)
def test_the_seasons_begin_when_they_do(when: datetime, declination: float) -> None:
    """At the equinoxes and solstices that the US Naval Observatory gives, the Sun is there."""
    subsolar = subsolar_point(sun_position(when), gmst_deg(when))
    assert subsolar.latitude_deg == pytest.approx(declination, abs=0.01)


def test_the_umbra_is_behind_the_earth_and_narrows() -> None:
    """Behind the Earth it is dark to 1.38 million km, beside the axis only within its cone."""
    sun = Vector(149_597_870.7, 0, 0)
    assert in_umbra(Vector(-6_800, 0, 0), sun)
    assert not in_umbra(Vector(6_800, 0, 0), sun)
    assert not in_umbra(Vector(0, 6_800, 0), sun)
    # The half angle of the cone is 0.264 deg: at 6,800 km behind it is 31 km narrower.
    assert in_umbra(Vector(-6_800, 6_346, 0), sun)
    assert not in_umbra(Vector(-6_800, 6_348, 0), sun)
    assert in_umbra(Vector(-1_370_000, 0, 0), sun)
    assert not in_umbra(Vector(-1_390_000, 0, 0), sun)


def test_the_footprint_is_a_diameter() -> None:
    """It grows from nothing at the ground towards a hemisphere."""
    assert footprint_km(0) == 0
    assert footprint_km(420) == pytest.approx(4_507.4, abs=0.1)
    assert footprint_km(1e12) == pytest.approx(math.pi / 2 * 12_756.33, abs=0.1)
