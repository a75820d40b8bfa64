"""How long a 429 asks to wait, in all the forms that upstreams use."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.upstream.client import retry_after_of
from libs.common.waits import MAX_WAIT_S

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "body", "seconds"),
    [
        ("5", b"", 5),
        ("0", b"", 0),
        ("Sun, 01 Mar 2026 12:01:30 GMT", b"", 90),
        ("Sun, 01 Mar 2026 11:00:00 GMT", b"", 0),
        ("Sun, 01 Mar 2026 14:00:10 +0200", b"", 10),
        (None, b'{"detail":"Request was throttled. Expected available in 1234 seconds."}', 1_234),
        (None, b"try again in 1 second", 1),
        ("soon", b"in 7 seconds", 7),
        (None, b"rate limit exceeded", None),
        ("soon", b"", None),
        ("-5", b"", None),
        ("Sun, 01 Mar 2026 12:01:30 -0000", b"", 90),
        ("Sunday, 01-Mar-26 12:01:30 GMT", b"", 90),
        ("Sun Mar  1 12:01:30 2026", b"", 90),
        ("1.5", b"", 1.5),
        (" 120 ", b"", 120),
        ("1.5.5", b"", None),
        ("nan", b"", None),
        ("\u00b2", b"", None),
        ("9" * 400, b"", MAX_WAIT_S),
        ("Sun, 01 Mar 9999 12:01:30 GMT", b"", MAX_WAIT_S),
        (None, b"in 999999 seconds", MAX_WAIT_S),
    ],
)
def test_every_form_is_read(header: str | None, body: bytes, seconds: float | None) -> None:
    """Seconds, an HTTP date, or words in the body; never more than a day, never a failure."""
    headers = {} if header is None else {"Retry-After": header}
    assert retry_after_of(headers, body, NOW) == seconds


def test_a_date_counts_from_the_answers_own() -> None:
    """Whose clock is wrong, ours or the upstream's, is no matter."""
    headers = {
        "Date": "Sun, 01 Mar 2026 07:00:00 GMT",
        "Retry-After": "Sun, 01 Mar 2026 07:01:30 GMT",
    }
    assert retry_after_of(headers, b"", NOW) == 90
    assert retry_after_of(headers | {"Date": "today"}, b"", NOW) == 0


@given(st.text(max_size=60), st.binary(max_size=60))
def test_no_answer_makes_it_fail(header: str, body: bytes) -> None:
    """Whatever an upstream writes, the result is a wait that can be kept, or none."""
    wait_s = retry_after_of({"Retry-After": header}, body, NOW)
    assert wait_s is None or 0 <= wait_s <= MAX_WAIT_S
