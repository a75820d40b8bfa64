"""Ids of stream entries compare as the broker compares them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.broker import EntryId

numbers = st.integers(0, 2**64 - 1)
entry_ids = st.builds(EntryId, numbers, numbers)


@given(entry_ids, entry_ids)
def test_they_survive_their_text_and_compare_as_numbers(a: EntryId, b: EntryId) -> None:
    """`9-0` comes before `10-0`, which text would turn around."""
    assert (EntryId.parse(str(a)), EntryId.parse(str(b).encode())) == (a, b)
    assert (a < b) == ((a.accepted_ms, a.sequence) < (b.accepted_ms, b.sequence))


@pytest.mark.parametrize("text", ["", "1", "-", "1-", "a-b", f"{2**64}-0", "1-0 ", "\u0661-\u0660"])
def test_what_is_no_entry_id_is_refused(text: str) -> None:
    """Only what the broker itself would accept."""
    with pytest.raises(ValueError, match="expected a stream entry"):
        EntryId.parse(text)


@given(st.integers(1, 2**63), numbers)
def test_the_id_before_is_the_next_smaller(accepted_ms: int, sequence: int) -> None:
    """Nothing fits between an id and the one before it."""
    entry = EntryId(accepted_ms, sequence)
    assert entry.before < entry
    if sequence:
        assert entry.before == (accepted_ms, sequence - 1)
    else:
        assert entry.before == (accepted_ms - 1, 2**64 - 1)


def test_nothing_is_before_the_first_id() -> None:
    """The smallest id is its own predecessor."""
    assert EntryId(0, 0).before == EntryId(0, 0)
