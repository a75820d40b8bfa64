"""The other computed events, against single published moments and what must always hold."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import astronomy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.events import AstroEventEvent, AstroKind, AstroObserver, Origin, Provenance
from services.ingest_astro.computed.catalogue import events_for
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.computed.times import moment_of, time_of
from services.ingest_iss.earth import gmst_deg
from services.ingest_iss.sun import subsolar_point, sun_position
from tests.unit.ingest_astro.published import at

MOSCOW = AstroObserver(name="Moscow", latitude_deg=55.7558, longitude_deg=37.6176)
TROMSO = AstroObserver(name="Tromso", latitude_deg=69.6492, longitude_deg=18.9553)
TOKYO = AstroObserver(name="Tokyo", latitude_deg=35.6762, longitude_deg=139.6503)
GUAYAQUIL = AstroObserver(name="Guayaquil", latitude_deg=-2.19, longitude_deg=-79.88)


def around(moment: str, kind: AstroKind, days: float = 3) -> list[Happening]:
    """Return the events of one kind near a moment."""
    margin = timedelta(days=days)
    return events_for(None, at(moment) - margin, at(moment) + margin, {kind})


@pytest.mark.parametrize(
    ("moment", "kind", "bodies", "variant", "minutes"),
    [
        # The great conjunction: they near each other by 0.25 arcseconds a minute.
        ("2020-12-21 18:20", AstroKind.CONJUNCTION, ["jupiter", "saturn"], "planets", 10),
        # The Astronomical Almanac gives hours.
        ("2025-01-16 02:30", AstroKind.OPPOSITION, ["mars"], "opposition", 60),
        ("2024-09-08 04:30", AstroKind.OPPOSITION, ["saturn"], "opposition", 60),
        ("2025-01-10 05:00", AstroKind.GREATEST_ELONGATION, ["venus"], "evening", 60),
        ("2025-06-01 04:00", AstroKind.GREATEST_ELONGATION, ["venus"], "morning", 60),
        ("2024-03-24 22:30", AstroKind.GREATEST_ELONGATION, ["mercury"], "evening", 60),
        # NASA's catalogues of transits, greatest transit.
        ("2019-11-11 15:20", AstroKind.PLANET_TRANSIT, ["mercury", "sun"], "transit", 2),
        ("2012-06-06 01:30", AstroKind.PLANET_TRANSIT, ["venus", "sun"], "transit", 2),
        ("2032-11-13 08:54", AstroKind.PLANET_TRANSIT, ["mercury", "sun"], "transit", 2),
        # Espenak's tables of the Moon's perigees and apogees.
        ("2016-11-14 11:23", AstroKind.LUNAR_APSIS, ["moon"], "perigee", 5),
        ("2016-10-31 19:29", AstroKind.LUNAR_APSIS, ["moon"], "apogee", 5),
    ],
)
def test_published_moments(
    moment: str, kind: AstroKind, bodies: list[str], variant: str, minutes: float
) -> None:
    """The event is there, once, and as near to the published moment as that is exact."""
    found = [h for h in around(moment, kind) if h.event.bodies == bodies]
    assert [h.event.variant for h in found] == [variant]
    assert abs(found[0].time - at(moment)) <= timedelta(minutes=minutes)


def test_published_figures() -> None:
    """Separation, elongation and distance are those published."""
    conjunction = around("2020-12-21 18:20", AstroKind.CONJUNCTION)
    great = next(h.event for h in conjunction if h.event.bodies == ["jupiter", "saturn"])
    assert great.separation_deg == pytest.approx(6.1 / 60, abs=0.003)
    venus = around("2025-01-10 05:00", AstroKind.GREATEST_ELONGATION)[0].event
    assert venus.elongation_deg == pytest.approx(47.2, abs=0.05)
    perigee = around("2016-11-14 11:23", AstroKind.LUNAR_APSIS)[0].event
    assert perigee.distance_km == pytest.approx(356_509, abs=10)


@pytest.mark.parametrize(
    ("code", "peak"),
    [
        # The International Meteor Organization's calendars, to the hour.
        ("LYR", "2024-04-22 07:00"),
        ("GEM", "2024-12-14 01:00"),
        ("QUA", "2025-01-03 15:00"),
    ],
)
def test_meteor_showers(code: str, peak: str) -> None:
    """The Sun reaches the longitude of the maximum within an hour and a half of the calendar's."""
    found = [h for h in around(peak, AstroKind.METEOR_SHOWER) if h.event.iau_code == code]
    assert len(found) == 1
    assert abs(found[0].time - at(peak)) <= timedelta(minutes=90)
    event = found[0].event
    assert event.start is not None
    assert event.end is not None
    assert event.start < found[0].time < event.end


def test_each_shower_has_one_maximum_a_year() -> None:
    """Also those around New Year's Eve."""
    for year in range(2024, 2031):
        start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
        codes = [h.event.iau_code for h in events_for(None, start, end, {AstroKind.METEOR_SHOWER})]
        assert len(codes) == len(set(codes)) == 17


@pytest.mark.parametrize("observer", [MOSCOW, TOKYO, GUAYAQUIL, TROMSO])
def test_sun_is_at_the_almanacs_altitude_when_it_rises_and_sets(observer: AstroObserver) -> None:
    """By another formula for the Sun (0.01 deg) its centre is then 0.833 deg below the horizon."""
    found = events_for(observer, at("2026-03-01 00:00"), at("2026-04-01 00:00"), SUN)
    crossings = [h for h in found if h.event.variant != "transit"]
    assert len(crossings) in (61, 62, 63)
    for happening in crossings:
        assert sun_altitude_deg(observer, happening.time) == pytest.approx(-0.833, abs=0.02)


SUN = {AstroKind.SUN_RISE_SET}


def sun_altitude_deg(observer: AstroObserver, moment: datetime) -> float:
    """Return the geometric altitude of the Sun's centre by the station's model of the Sun."""
    subsolar = subsolar_point(sun_position(moment), gmst_deg(moment))
    latitude, declination = map(math.radians, (observer.latitude_deg, subsolar.latitude_deg))
    hour_angle = math.radians(observer.longitude_deg - subsolar.longitude_deg)
    return math.degrees(
        math.asin(
            math.sin(latitude) * math.sin(declination)
            + math.cos(latitude) * math.cos(declination) * math.cos(hour_angle)
        )
    )


@pytest.mark.parametrize("latitude", [0.1, 57.9, 58.1, 66.6, 69.6, 84.9, 85.1, 89.9, 90.0, -90.0])
@pytest.mark.parametrize(
    ("body", "kind"),
    [(astronomy.Body.Sun, AstroKind.SUN_RISE_SET), (astronomy.Body.Moon, AstroKind.MOON_RISE_SET)],
)
def test_rise_and_set_are_the_librarys(latitude: float, body: Any, kind: AstroKind) -> None:
    """Its slow search, step by step through three months, finds the same ones, to the second."""
    observer = AstroObserver(
        name="Place", latitude_deg=latitude, longitude_deg=25.0, elevation_m=300.0
    )
    start, end = at("2026-03-01 00:00"), at("2026-06-01 00:00")
    found = events_for(observer, start, end, {kind})
    place = astronomy.Observer(latitude, 25.0, 300.0)
    for variant, direction in (
        ("rise", astronomy.Direction.Rise),
        ("set", astronomy.Direction.Set),
    ):
        expected = []
        time, last = time_of(start), time_of(end)
        while crossing := astronomy.SearchRiseSet(body, place, direction, time, last.ut - time.ut):
            expected.append(moment_of(crossing))
            time = crossing.AddDays(0.001)
        times = [h.time for h in found if h.event.variant == variant]
        assert len(times) == len(expected)
        for one, other in zip(times, expected, strict=True):
            assert abs(one - other) <= timedelta(seconds=2)


def test_midnight_sun() -> None:
    """In Tromso the Sun does not set between 18 May and 26 July, and has its noon every day."""
    found = events_for(TROMSO, at("2026-05-20 00:00"), at("2026-07-24 00:00"), SUN)
    assert {h.event.variant for h in found} == {"transit"}
    assert len(found) == 65
    assert all(h.event.visible for h in found)


def test_polar_night() -> None:
    """In December there is a noon in Tromso at which the Sun is not to be seen."""
    found = events_for(TROMSO, at("2026-12-10 00:00"), at("2026-12-20 00:00"), SUN)
    assert {h.event.variant for h in found} == {"transit"}
    assert not any(h.event.visible for h in found)


def test_local_lunar_eclipse() -> None:
    """On 28 August 2026 the Moon sets over Moscow while the eclipse goes on."""
    found = events_for(
        MOSCOW, at("2026-08-27 00:00"), at("2026-08-29 00:00"), {AstroKind.LUNAR_ECLIPSE}
    )
    seen = next(h.event for h in found if h.event.observer)
    altitudes = [contact.altitude_deg or 0 for contact in seen.contacts]
    assert altitudes[0] > 0 > altitudes[-1]
    assert seen.visible is False
    assert len(found) == 2


def test_an_eclipse_of_the_other_hemisphere_has_no_local_event() -> None:
    """The annular eclipse of February 2026 is seen from Antarctica, not from Moscow."""
    found = events_for(
        MOSCOW, at("2026-02-17 00:00"), at("2026-02-18 00:00"), {AstroKind.SOLAR_ECLIPSE}
    )
    assert [h.event.observer for h in found] == [None]


def test_local_solar_eclipse() -> None:
    """In Madrid, on 12 August 2026, nearly the whole Sun is covered, low in the west."""
    madrid = AstroObserver(name="Madrid", latitude_deg=40.4168, longitude_deg=-3.7038)
    found = events_for(
        madrid, at("2026-08-12 00:00"), at("2026-08-13 00:00"), {AstroKind.SOLAR_ECLIPSE}
    )
    seen = next(h for h in found if h.event.observer)
    # timeanddate.com: maximum at 20:32 local time, 99.9 % of the disc.
    assert abs(seen.time - at("2026-08-12 18:32")) <= timedelta(minutes=2)
    assert seen.event.obscuration == pytest.approx(0.999, abs=0.002)
    assert seen.event.visible is True


@pytest.mark.parametrize("observer", [MOSCOW, TOKYO, TROMSO])
@pytest.mark.parametrize("shift_days", [0.37, 11.0, 29.9])
def test_computing_again_gives_the_same_events(observer: AstroObserver, shift_days: float) -> None:
    """Whatever the window, an event inside of it has the same id: content, time and name."""
    start, end = at("2026-07-01 00:00"), at("2026-10-01 00:00")
    later, latest = start + timedelta(days=shift_days), end + timedelta(days=shift_days)
    one = {h: identity(h) for h in map(frozen, events_for(observer, start, end)) if h[0] >= later}
    two = {h: identity(h) for h in map(frozen, events_for(observer, later, latest)) if h[0] < end}
    assert one == two
    assert len(set(one.values())) == len(one) > 100


def frozen(happening: Happening) -> tuple[datetime, str]:
    """Return an event in a form that can be compared and counted."""
    return happening.time, happening.event.model_dump_json()


def identity(happening: tuple[datetime, str]) -> object:
    """Return the id of the event that a happening becomes."""
    time, payload = happening
    data = AstroEventEvent.model_fields["data"].annotation.model_validate_json(payload)  # type: ignore[union-attr]
    provenance = Provenance("test", Origin.COMPUTED, START)
    return AstroEventEvent.of_event(data, time=time, provenance=provenance).id


START = at("2026-01-01 00:00")


@settings(max_examples=25, deadline=None)
@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    day=st.integers(0, 3_650),
)
def test_natural_keys_are_unique(latitude: float, longitude: float, day: int) -> None:
    """No two events of a place have one name, not even two sunrises on one day of UTC."""
    observer = AstroObserver(
        name="somewhere", latitude_deg=round(latitude, 4), longitude_deg=round(longitude, 4)
    )
    start = START + timedelta(days=day)
    found = events_for(observer, start, start + timedelta(days=20))
    provenance = Provenance("test", Origin.COMPUTED, START)
    subjects = [
        AstroEventEvent.of_event(h.event, time=h.time, provenance=provenance).subject for h in found
    ]
    assert len(subjects) == len(set(subjects))
    assert all(start <= h.time < start + timedelta(days=20) for h in found)


def test_a_sunrise_that_comes_twice_a_day_has_a_number() -> None:
    """Where the Sun rises around 0 h UTC and earlier each day, one day of UTC has two sunrises."""
    place = AstroObserver(name="Place", latitude_deg=45.0, longitude_deg=90.0)
    found = events_for(place, at("2026-01-01 00:00"), at("2027-01-01 00:00"), SUN)
    rises = [h for h in found if h.event.variant == "rise"]
    assert 364 <= len(rises) <= 366
    assert {h.event.occurrence for h in rises} == {1, 2}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-01-01 00:00", "2026-01-01 00:00"),
        ("2026-01-02 00:00", "2026-01-01 00:00"),
        ("1800-01-01 00:00", "1800-02-01 00:00"),
        ("2150-01-01 00:00", "2150-02-01 00:00"),
    ],
)
def test_a_window_without_sense_is_refused(start: str, end: str) -> None:
    """Empty windows, and years for which the theory is not made."""
    with pytest.raises(ValueError, match="expected"):
        events_for(None, at(start), at(end))


def test_a_computation_can_be_ended() -> None:
    """What the check raises comes out."""

    class EndedError(Exception):
        pass

    def check() -> None:
        raise EndedError

    with pytest.raises(EndedError):
        events_for(MOSCOW, at("2026-01-01 00:00"), at("2026-02-01 00:00"), check=check)
