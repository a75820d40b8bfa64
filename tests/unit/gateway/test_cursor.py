"""Cursors and stream offsets survive their text form and refuse everything else."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.topology import EVENT_STREAMS
from services.gateway.cursor import Cursor
from services.gateway.offsets import Offsets, format_entry_id, parse_entry_id

times = st.datetimes(min_value=datetime(1958, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
entry_ids = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))


@given(times, st.uuids())
def test_a_cursor_survives_its_text(time: datetime, identity: UUID) -> None:
    """Encoding and decoding gives the same key back."""
    cursor = Cursor(time, identity)
    assert Cursor.decode(cursor.encode()) == cursor


@given(st.text(max_size=100))
def test_any_other_text_is_refused_as_a_value_error(text: str) -> None:
    """A client's guess never becomes another exception; what decodes is a cursor with a zone."""
    try:
        cursor = Cursor.decode(text)
    except ValueError:
        return
    assert cursor.time.tzinfo is not None


@given(st.lists(entry_ids, min_size=len(EVENT_STREAMS), max_size=len(EVENT_STREAMS)))
def test_offsets_survive_their_text(entries: list[tuple[int, int]]) -> None:
    """Encoding and decoding gives the same entries back."""
    offsets = Offsets(tuple(entries))
    assert Offsets.decode(offsets.encode()) == offsets


@given(entry_ids, entry_ids)
def test_entry_ids_compare_as_numbers(a: tuple[int, int], b: tuple[int, int]) -> None:
    """`9-0` comes before `10-0`, which text would turn around."""
    parsed_a, parsed_b = parse_entry_id(format_entry_id(a)), parse_entry_id(format_entry_id(b))
    assert (parsed_a < parsed_b) == (a < b)


@pytest.mark.parametrize("text", ["", "1", "-", "1-", "a-b", f"{2**64}-0", "1-0 ", "\u0661-\u0660"])
def test_what_is_no_entry_id_is_refused(text: str) -> None:
    """Only what the broker itself would accept."""
    with pytest.raises(ValueError, match="expected a stream entry"):
        parse_entry_id(text)
