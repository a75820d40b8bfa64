"""Reasons can be shown anywhere, whoever wrote half of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import BodyRejectedError, UpstreamError
from libs.common.upstream.reasons import MAX_REASON_LENGTH, plain_reason


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (
            "answered 503: <h1>no healthy</h1><p>upstream",
            "answered 503: no healthy upstream",
        ),
        ("x: <script>alert(1)</script>\x1b[31mred\x00\r\nend", "x: [31mred end"),
        ("caf\udce9 \ud800 \u202egnp", "caf gnp"),
        ("&#27;[2J &lt;b&gt;bold", "[2J bold"),
        ("expected a value <= 5, got 7 & more", "expected a value <= 5, got 7 & more"),
    ],
    ids=["page", "controls", "no characters", "entities", "ours"],
)
def test_what_an_upstream_wrote_is_plain(written: str, read: str) -> None:
    """Markup, escapes of terminals and halves of characters go; words stay."""
    assert plain_reason(written) == read


def test_it_is_one_sentence() -> None:
    """What is longer is cut, and says so."""
    reason = plain_reason("word " * 1_000)
    assert len(reason) == MAX_REASON_LENGTH
    assert reason.endswith("\u2026")


@given(st.text(st.characters(exclude_categories=())))
def test_every_error_of_an_upstream_can_be_written(text: str) -> None:
    """Whatever stands in a message, UTF-8 and a terminal take it, also beside a dead letter."""
    error = BodyRejectedError(text, b"")
    ((_, reason),) = error.rejects
    assert reason == str(error) == str(UpstreamError(text))
    assert reason.isprintable()
    assert len(reason.encode()) <= 4 * MAX_REASON_LENGTH
