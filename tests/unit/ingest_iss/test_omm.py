"""Reading orbit mean-elements messages."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest_iss.omm import parse_omm
from services.ingest_iss.orbit import position_at
from services.ingest_iss.shipped_elements import SHIPPED_OMM

RECORD = dict(SHIPPED_OMM)


def test_reads_the_shipped_elements() -> None:
    """Every value lands in its field; the epoch is UTC although it does not say so."""
    elements = parse_omm(RECORD)
    assert elements.epoch == datetime(2026, 10, 9, 19, 42, 49, 139_712, tzinfo=UTC)
    assert elements.epoch.utcoffset() == timedelta(0)
    assert elements.norad_id == 25544
    assert elements.object_name == "ISS (ZARYA)"
    assert elements.object_id == "1998-067A"
    assert elements.mean_motion_rev_per_day == 15.48793003
    assert elements.eccentricity == 0.0006774
    assert elements.inclination_deg == 51.6314
    assert elements.raan_deg == 92.7969
    assert elements.arg_perigee_deg == 242.6225
    assert elements.mean_anomaly_deg == 117.4075
    assert elements.bstar == 0.00012652
    assert elements.mean_motion_dot == 0.00006479
    assert elements.mean_motion_ddot == 0
    assert elements.element_set_number == 999
    assert elements.revolution_number == 58952


def test_reads_numbers_written_as_text() -> None:
    """The same record with text for numbers, as Space-Track sends it, gives the same elements."""
    assert parse_omm({key: str(value) for key, value in RECORD.items()}) == parse_omm(RECORD)


def test_reads_exponents() -> None:
    """Exponents are read in numbers and in text."""
    record = json.loads('{"BSTAR": 7.1e-05, "MEAN_MOTION_DOT": "-.16E-6"}')
    elements = parse_omm({**RECORD, **record})
    assert elements.bstar == 7.1e-05
    assert elements.mean_motion_dot == -1.6e-07


@pytest.mark.parametrize(
    "epoch",
    [
        "2026-10-09T19:42:49.139712Z",
        "2026-10-09T21:42:49.139712+02:00",
        " 2026-10-09T19:42:49.139712 ",
    ],
)
def test_obeys_a_zone_where_there_is_one(epoch: str) -> None:
    """An epoch that names its zone is turned into UTC."""
    assert parse_omm({**RECORD, "EPOCH": epoch}) == parse_omm(RECORD)


@pytest.mark.parametrize("keyword", sorted(RECORD.keys() - {"EPHEMERIS_TYPE"}))
def test_names_a_missing_keyword(keyword: str) -> None:
    """A missing keyword is named, with what was expected."""
    record = {key: value for key, value in RECORD.items() if key != keyword}
    with pytest.raises(ValueError, match=rf"^{keyword}: expected .*, got nothing$"):
        parse_omm(record)


@pytest.mark.parametrize("keyword", sorted(RECORD))
@pytest.mark.parametrize("value", [None, True, [], {}, ""])
def test_names_a_value_of_the_wrong_kind(keyword: str, value: object) -> None:
    """A value of the wrong kind is named and shown."""
    with pytest.raises(ValueError, match=rf"^{keyword}: expected .*, got "):
        parse_omm({**RECORD, keyword: value})


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("ECCENTRICITY", 1.0),
        ("ECCENTRICITY", -0.1),
        ("INCLINATION", 180.1),
        ("INCLINATION", "-1"),
        ("MEAN_MOTION", 0.37807065),
        ("MEAN_MOTION", 17.5),
        ("RA_OF_ASC_NODE", 361),
        ("ARG_OF_PERICENTER", -1),
        ("MEAN_ANOMALY", 360.5),
        ("BSTAR", float("nan")),
        ("BSTAR", "inf"),
        ("BSTAR", "1e999"),
        ("BSTAR", 10**400),
        ("BSTAR", "1_5"),
        ("MEAN_MOTION", "fast"),
        ("NORAD_CAT_ID", 0),
        ("NORAD_CAT_ID", 25544.5),
        ("NORAD_CAT_ID", "25544A"),
        ("NORAD_CAT_ID", 10**20),
        ("REV_AT_EPOCH", -1),
        ("OBJECT_NAME", "I" * 201),
        ("EPHEMERIS_TYPE", 4),
        ("EPOCH", "2026-10-09"),
        ("EPOCH", "2026-282T19:42:49"),
        ("EPOCH", "0001-01-01T00:00:00+14:00"),
        ("EPOCH", "1926-10-09T19:42:49"),
        ("EPOCH", 1791574969),
    ],
)
def test_names_a_value_out_of_range(keyword: str, value: object) -> None:
    """A value that no elements of the station can have is named and shown."""
    with pytest.raises(ValueError, match=rf"^{keyword}: expected .*, got "):
        parse_omm({**RECORD, keyword: value})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=2),
    max_leaves=3,
)


@given(st.sampled_from(sorted(RECORD)), json_values)
def test_reads_or_refuses_whatever_it_is_given(keyword: str, value: object) -> None:
    """No value makes it fail in another way than with the keyword's name."""
    reason = ""
    try:
        parse_omm({**RECORD, keyword: value})
    except ValueError as error:
        reason = str(error)
    assert reason == "" or reason.startswith(f"{keyword}: expected ")


@given(
    eccentricity=st.floats(0, 0.02),
    inclination=st.floats(0, 180),
    angles=st.tuples(st.floats(0, 360), st.floats(0, 360), st.floats(0, 360)),
    mean_motion=st.floats(15, 15.8),
)
def test_whatever_it_reads_can_be_computed_with(
    eccentricity: float,
    inclination: float,
    angles: tuple[float, float, float],
    mean_motion: float,
) -> None:
    """Any low orbit that passes gives a position at its epoch."""
    elements = parse_omm(
        {
            **RECORD,
            "ECCENTRICITY": eccentricity,
            "INCLINATION": inclination,
            "RA_OF_ASC_NODE": angles[0],
            "ARG_OF_PERICENTER": angles[1],
            "MEAN_ANOMALY": angles[2],
            "MEAN_MOTION": mean_motion,
        }
    )
    state = position_at(elements, elements.epoch)
    assert 100 < state.altitude_km < 900
    assert -90 <= state.latitude_deg <= 90
