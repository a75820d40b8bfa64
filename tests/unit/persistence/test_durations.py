"""Durations as people write them."""

from datetime import timedelta

import pytest

from services.persistence.durations import duration, period

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30m", timedelta(minutes=30)), ("24h", DAY), ("7d", 7 * DAY)],
)
def test_periods_are_read(text: str, expected: timedelta) -> None:
    """Minutes, hours and days."""
    assert period(text) == expected


@pytest.mark.parametrize("text", ["", "0h", "24", "h", "1w", "-1h", "1.5h", "24h "])
def test_what_is_no_period_is_refused(text: str) -> None:
    """Everything else is refused, with what was expected."""
    with pytest.raises(ValueError, match="such as 30m, 24h or 7d"):
        period(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1000y", 366_000 * DAY), ("1001y", None), ("999999d", None), ("24h", None)],
)
def test_a_duration_is_in_the_units_that_are_meant(text: str, expected: timedelta | None) -> None:
    """A thousand years ago is still a date; further back there is none."""
    assert duration(text, "dy") == expected
