"""Times: exact, aware, in UTC."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from libs.common.clock import SystemClock, iso, unix_microseconds

zones = st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)
moments = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2300, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=zones,
)


@given(moments)
def test_a_time_is_written_in_utc_and_read_back(moment: datetime) -> None:
    """The text ends in Z and means the same moment, whatever zone it came in."""
    text = iso(moment)
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment


@given(moments)
def test_microseconds_are_exact(moment: datetime) -> None:
    """No time is rounded, and the order is that of the times."""
    microseconds = unix_microseconds(moment)
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds) == moment


def test_the_machine_has_a_zone() -> None:
    """The system clock gives aware times in UTC, and seconds that do not go back."""
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() <= clock.monotonic()
