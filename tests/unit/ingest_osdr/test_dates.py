"""Every form of date that the repository writes, and what is no date."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest_osdr.dates import parse_date


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("07/04/2006", date(2006, 7, 4)),
        ("7/4/2006", date(2006, 7, 4)),
        ("10/25/2014", date(2014, 10, 25)),
        ("9/21/14", date(2014, 9, 21)),
        ("10/4/57", date(1957, 10, 4)),
        ("10/4/56", date(2056, 10, 4)),
        ("28-Aug-2017", date(2017, 8, 28)),
        ("4-aug-2017", date(2017, 8, 4)),
        ("04-August-2017", date(2017, 8, 4)),
        ("2018-07-13", date(2018, 7, 13)),
        ("2018-07-13T10:00:00Z", date(2018, 7, 13)),
        (" 2018-07-13 10:00 ", date(2018, 7, 13)),
        (1503878400, date(2017, 8, 28)),
        (1503878400.0, date(2017, 8, 28)),
        ("1503878400", date(2017, 8, 28)),
        ("1503878400.5", date(2017, 8, 28)),
    ],
)
def test_every_form_is_read(value: object, expected: date) -> None:
    """Each spelling names the day that a person reads in it."""
    assert parse_date(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "   ",
        "TBD",
        "2017",
        2017,
        0,
        -1.0,
        True,
        1e300,
        float("nan"),
        float("inf"),
        1503878400000,
        "13/45/2006",
        "02/30/2006",
        "28-Foo-2017",
        "0000-00-00",
        "9999-01-01",
        [],
        {},
        "07/04/2006     07/05/2006",
    ],
)
def test_what_is_no_date_is_none(value: object) -> None:
    """Nothing is guessed: a wrong day, a year alone, milliseconds, and what is no text."""
    assert parse_date(value) is None


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none()))
def test_anything_is_a_day_or_none(value: object) -> None:
    """No value makes an error."""
    day = parse_date(value)
    assert day is None or 1940 <= day.year <= 2200


@given(st.dates(date(1957, 1, 1), date(2056, 12, 31)))
def test_the_forms_agree(day: date) -> None:
    """One day in every form is the same day."""
    name = "JanFebMarAprMayJunJulAugSepOctNovDec"[3 * day.month - 3 : 3 * day.month]
    forms = (
        f"{day.month:02}/{day.day:02}/{day.year}",
        f"{day.month}/{day.day}/{day.year % 100:02}",
        f"{day.day:02}-{name}-{day.year}",
        day.isoformat(),
    )
    assert {parse_date(form) for form in forms} == {day}
