"""What upstreams send can be stored afterwards, or says why not."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.upstream.records import MAX_DEPTH, MAX_RECORD_BYTES, storable, storable_record

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def test_what_cannot_be_stored_is_replaced_and_the_rest_stays() -> None:
    """NUL and lone surrogates, in keys too; numbers that overflowed; everything else as it was."""
    document = {"a\x00": ["\ud800b", math.inf, -math.inf, 1.5, True, None, {"": []}], "n": 10**900}
    assert storable(document) == {
        "a\ufffd": ["\ufffdb", None, None, 1.5, True, None, {"": []}],
        "n": 10**900,
    }


def test_bounds_are_said() -> None:
    """Nesting and digits beyond any honest body are refused."""
    nested: Any = 1
    for _ in range(MAX_DEPTH + 1):
        nested = [nested]
    with pytest.raises(ValueError, match="nested deeper than 50 levels"):
        storable(nested)
    with pytest.raises(ValueError, match="more than 1,000 digits"):
        storable(10**1_100)


def test_a_record_is_an_object_of_a_bounded_size() -> None:
    """Whatever else a page holds, or more than anything honest, is refused."""
    assert storable_record({"a\x00": 1}) == {"a\ufffd": 1}
    with pytest.raises(ValueError, match="expected an object, got list"):
        storable_record([])
    with pytest.raises(ValueError, match="expected at most 262144 bytes"):
        storable_record({"a": "x" * MAX_RECORD_BYTES})


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | ANY_TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
        max_leaves=10,
    )
)
def test_whatever_comes_out_is_utf_8_and_json(document: Any) -> None:
    """The result goes through UTF-8 and strict JSON unchanged, and once is enough."""
    clean = storable(document)
    encoded = json.dumps(clean, ensure_ascii=False, allow_nan=False).encode()
    assert json.loads(encoded) == clean == storable(clean)
    assert b"\\u0000" not in encoded
