"""What is plain enough for the fast lane, and where one request ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.connection import is_one_request
from services.gateway.fastlane import MOST_BYTES, PlainRequest, parse_plain

HEAD = b"GET /api/v1/iss/position HTTP/1.1\r\nHost: localhost\r\n"
BROWSER = (
    b"GET /last HTTP/1.1\r\nHost: localhost:8080\r\nConnection: keep-alive\r\n"
    b"User-Agent: Mozilla/5.0\r\nAccept: */*\r\nSec-Fetch-Mode: cors\r\n"
    b"Referer: http://localhost/\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n"
)


def test_a_plain_request_is_read() -> None:
    """Path and accepted encodings are all that matters of it."""
    assert parse_plain(HEAD + b"\r\n") == PlainRequest("/api/v1/iss/position", "")
    assert parse_plain(BROWSER) == PlainRequest("/last", "gzip, deflate, br")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        HEAD + b"\r\n\r\n",
        HEAD + b"\r\n" + HEAD + b"\r\n",
        HEAD.replace(b"GET", b"HEAD") + b"\r\n",
        HEAD.replace(b"1.1", b"1.0") + b"\r\n",
        HEAD.replace(b"Host: localhost\r\n", b"") + b"\r\n",
        HEAD + b"Host: other\r\n\r\n",
        HEAD + b"Authorization: Bearer x\r\n\r\n",
        HEAD + b"X-API-Key: x\r\n\r\n",
        HEAD + b"X-Forwarded-For: 10.0.0.1\r\n\r\n",
        HEAD + b"X-Request-Id: 1\r\n\r\n",
        HEAD + b"Origin: http://example.org\r\n\r\n",
        HEAD + b'If-None-Match: "x"\r\n\r\n',
        HEAD + b"If-Modified-Since: Mon, 23 Nov 2026 10:00:00 GMT\r\n\r\n",
        HEAD + b"Connection: close\r\n\r\n",
        HEAD + b"Content-Length: 1\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n\r\n",
        HEAD + b"Accept : */*\r\n\r\n",
        HEAD + b"Accept: a\r\n folded\r\n\r\n",
        HEAD + b"Accept: \xff\r\n\r\n",
        HEAD + b"Accept: a\nX: b\r\n\r\n",
        HEAD + b"no colon\r\n\r\n",
        HEAD.replace(b" /api", b"  /api") + b"\r\n",
        HEAD + b"User-Agent: " + b"a" * MOST_BYTES + b"\r\n\r\n",
    ],
)
def test_everything_else_goes_the_long_way(data: bytes) -> None:
    """Whatever could change the answer, or is not as RFC 9112 writes it."""
    assert parse_plain(data) is None


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=len(HEAD)))
def test_bytes_in_the_middle_of_a_head_never_end_it(noise: bytes, at: int) -> None:
    """What is read as plain is one request, wherever somebody hides another."""
    data = HEAD[:at] + noise + HEAD[at:] + b"\r\n"
    if parse_plain(data) is not None:
        assert data.count(b"\r\n\r\n") == 1
        assert data.count(b"\n") == data.count(b"\r") == data.count(b"\r\n")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (HEAD + b"\r\n", True),
        (BROWSER, True),
        (HEAD + b"\r\n" + HEAD + b"\r\n", False),
        (HEAD, False),
        (HEAD + b"\r\n" + HEAD, False),
        (b"\r\n\r\n", False),
        (HEAD + b"Content-Length: 5\r\n\r\n", False),
        (HEAD + b"Content-Length: 4\r\n\r\n\r\n\r\n", False),
        (HEAD + b"Upgrade: websocket\r\n\r\n", False),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", False),
        (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", False),
        (HEAD + b"A: b\n\n\r\n\r\n", False),
    ],
)
def test_where_one_request_ends(data: bytes, expected: bool) -> None:  # noqa: FBT001 - a table's column
    """Only where it is beyond doubt may the next one take the fast lane."""
    assert is_one_request(data) is expected
