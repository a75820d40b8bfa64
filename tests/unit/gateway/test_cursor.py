"""Cursors and stream offsets survive their text form and refuse everything else."""

import base64
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.broker import EntryId
from libs.common.events.envelope import Moment
from libs.common.topology import EVENT_STREAMS
from services.gateway.cursor import InvalidCursorError, Order
from services.gateway.offsets import Offsets

times = st.datetimes(datetime(1958, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
NEWEST = Order("newest", {"time": Moment, "id": UUID})
BY_RANK = Order("rank", {"rank": float, "title": str})
entry_ids = st.builds(EntryId, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))


@given(times, st.uuids())
def test_a_cursor_survives_its_text(time: datetime, identity: UUID) -> None:
    """Encoding and decoding gives the same key back."""
    assert NEWEST.values_of(NEWEST.cursor_after([time, identity])) == (time, identity)


@given(st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=200))
def test_numbers_and_texts_survive_exactly(rank: float, title: str) -> None:
    """A page must not begin a rounding error too early."""
    assert BY_RANK.values_of(BY_RANK.cursor_after([rank, title])) == (rank, title)


@given(st.text(max_size=100))
def test_any_other_text_is_refused(text: str) -> None:
    """A client's guess never becomes another exception."""
    with pytest.raises(InvalidCursorError, match="expected the cursor of an earlier page"):
        NEWEST.values_of(text)


@pytest.mark.parametrize(
    "plain",
    [
        '["oldest","2026-03-01T12:00:00Z","0dc9ec40-6dd4-5094-aff9-15b43dbc4beb"]',
        '["newest","2026-03-01T12:00:00","0dc9ec40-6dd4-5094-aff9-15b43dbc4beb"]',
        '["newest","0001-01-01T00:00:00+14:00","0dc9ec40-6dd4-5094-aff9-15b43dbc4beb"]',
        '["newest",1,"0dc9ec40-6dd4-5094-aff9-15b43dbc4beb"]',
        '["newest","2026-03-01T12:00:00Z"]',
        '["newest","2026-03-01T12:00:00Z",null]',
        '{"newest":1}',
    ],
)
def test_a_made_up_cursor_is_refused(plain: str) -> None:
    """It holds the order's name and a value of the right type for each key."""
    cursor = base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")
    with pytest.raises(InvalidCursorError):
        NEWEST.values_of(cursor)


@given(st.lists(entry_ids, min_size=len(EVENT_STREAMS), max_size=len(EVENT_STREAMS)))
def test_offsets_survive_their_text(entries: list[EntryId]) -> None:
    """Encoding and decoding gives the same entries back."""
    offsets = Offsets(tuple(entries))
    assert Offsets.decode(offsets.encode()) == offsets


ENDS = Offsets((EntryId(5, 0), EntryId(9, 3), EntryId(0, 0)))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("0-0", "0-0_0-0_0-0"),
        # A stream that has not come so far is seen up to its end, and not beyond.
        ("7-0", "5-0_7-0_0-0"),
        ("9-3", "5-0_9-3_0-0"),
        ("9-4", None),
        ("5-0_9-3_0-0", "5-0_9-3_0-0"),
        ("4-0_9-2_0-0", "4-0_9-2_0-0"),
        ("5-1_0-0_0-0", None),
        ("5-0_9-3_0-1", None),
        ("1-0_1-0", None),
        ("1-0_1-0_0-0_0-0", None),
    ],
)
def test_a_place_is_one_in_streams_that_have_come_so_far(told: str, expected: str | None) -> None:
    """One ahead of them, or among another number of them, is of other streams."""
    found = Offsets.decode(told).within(ENDS)
    assert (found and found.encode()) == expected
