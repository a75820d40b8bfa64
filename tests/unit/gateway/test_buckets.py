"""Windows are cut into whole buckets that cover them, as few as asked for."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.buckets import Grain, cut

START = datetime(2026, 3, 1, 12, 34, 56, 789, tzinfo=UTC)
_UNIT = {Grain.MINUTE: timedelta(minutes=1), Grain.HOUR: timedelta(hours=1)}


@given(
    st.datetimes(datetime(1958, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    st.timedeltas(timedelta(microseconds=1), timedelta(days=20_000)),
    st.integers(2, 5_000),
)
def test_buckets_cover_the_window_and_nothing_more(
    since: datetime, length: timedelta, points: int
) -> None:
    """Without a bucket too many, whole grains each, and none that is all outside."""
    until = since + length
    shape = cut(since, until, points)
    assert 1 <= shape.count <= points
    assert shape.start <= since
    assert until <= shape.end
    assert shape.end - shape.width < until
    unit = _UNIT.get(shape.grain)
    if unit is None:
        assert shape.start == since
    else:
        assert since - shape.start < unit
        assert shape.width % unit == timedelta(0)
        assert (shape.start - datetime(1970, 1, 1, tzinfo=UTC)) % unit == timedelta(0)
    assert len(shape.starts()) == shape.count


@pytest.mark.parametrize(
    ("length", "points", "grain"),
    [
        (timedelta(days=365), 500, Grain.HOUR),
        (timedelta(days=1), 500, Grain.MINUTE),
        (timedelta(hours=1), 500, Grain.RAW),
        (timedelta(hours=500), 500, Grain.HOUR),
        (timedelta(minutes=500), 500, Grain.MINUTE),
    ],
)
def test_the_coarsest_grain_that_fits_is_chosen(
    length: timedelta, points: int, grain: Grain
) -> None:
    """A year is read from hours, a day from minutes."""
    assert cut(START, START + length, points).grain is grain
