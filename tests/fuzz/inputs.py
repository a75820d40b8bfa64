"""Broken requests, made by a seeded choice: each seed and number make the same bytes again."""

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

_METHODS = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "FOO"]
_VERSIONS = ["HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.10", "HTTP/", "http/1.1", ""]
_TRICKS = [
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/api/v1/..%2f..%2fsecret",
    "/api/v1/sources/%00",
    "/api/v1/sources/%ff%fe",
    "/api/v1/sources/%c0%af",
    "/api/v1/sources/%F0%9F%9A%80",
    "/api/v1/sources/" + "a" * 3_000,
    "//evil.example/api",
    "/api//v1///iss/position",
    "/api/v1/iss/position;x=1",
    "/api/v1/iss/position%20",
    "/api/v1/iss/position/",
    "/%",
    "/%zz",
    "/?" + "&".join(f"p{number}=1" for number in range(500)),
    "/api/v1/iss/positions?cursor=%00",
    "/api/v1/iss/positions?cursor=" + base64.urlsafe_b64encode(b"0" * 100).decode(),
    "/api/v1/iss/positions?limit=99999999999999999999",
    "/api/v1/iss/positions?limit=NaN",
    "/api/v1/iss/positions?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z",
    "/api/v1/iss/positions?from=2026-01-01T00:00:00+24:00",
    "/api/v1/osdr/datasets?q=%00",
    "/api/v1/osdr/datasets?q=%27;DROP%20TABLE--",
    "/api/v1/osdr/datasets?q=" + "%F0%9F%9A%80" * 40,
    "/api/v1/osdr/datasets/OSD-1%00",
    "/api/v1/jwst/images?program=-1",
    "/api/v1/jwst/images/..%2f..%2f..%2fetc%2fpasswd/thumbnail",
    "/api/v1/astro/events?latitude_deg=1e999&longitude_deg=nan",
    "http://evil.example/",
    "*",
    "evil.example:443",
    "\\..\\..",
    "/\x01\x02",
    "/ü",
    "",
]
_HEADERS = [
    "Host: localhost",
    "Host:",
    "Content-Length: 10",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Content-Length: 5, 6",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: xchunked",
    "Content-Encoding: gzip",
    "Content-Encoding: br",
    "Content-Type: application/json",
    "Content-Type: multipart/form-data; boundary=x",
    "Expect: 100-continue",
    "Expect: miracles",
    "Upgrade: websocket",
    "Upgrade: h2c",
    "Connection: close",
    "Connection: upgrade",
    "Connection: keep-alive, x",
    "Accept-Encoding: gzip;q=nonsense",
    "Accept-Encoding: " + ",".join(["gzip"] * 500),
    "If-None-Match: " + '"' * 200,
    "If-Modified-Since: not a date",
    "If-Modified-Since: Mon, 99 Foo 99999 99:99:99 GMT",
    "Range: bytes=0-1,2-3,4-",
    "Last-Event-ID: 0-0",
    "Last-Event-ID: 99999999999999999999-1",
    "Last-Event-ID: \xff",
    "Authorization: Bearer a.b.c",
    "Authorization: Bearer " + "W1tb" * 1_000 + ".e30.x",
    "Authorization: Bearer \xff\xfe",
    "Authorization: Basic \xff",
    "X-API-Key: \xff\xfe",
    "X-Forwarded-For: 1.1.1.1, \xff, ::1%eth0, [::1",
    "X-Request-Id: " + "a" * 5_000,
    "Cookie: a=b; " * 50,
    "Origin: null",
    "Access-Control-Request-Method: \xff",
    "X-Folded: a\r\n b",
    "X-Nul: a\x00b",
    "X-Bare-CR: a\rb",
    "No-Colon",
    ": no name",
    "Spaced : a",
    "X-Huge: " + "a" * 20_000,
]
# Those that a parser takes.
_READABLE = [
    header
    for header in _HEADERS
    if header.split(":")[0]
    in {"Accept-Encoding", "If-None-Match", "If-Modified-Since", "Range", "Last-Event-ID", "Origin"}
    or header.startswith(("Authorization", "X-API-Key", "X-Forwarded", "X-Request", "Expect: m"))
]
_NAMES = [
    *(
        "limit",
        "cursor",
        "from",
        "to",
        "order",
        "points",
        "q",
        "days",
        "date",
        "place",
        "n",
        "page",
    ),
    *("latitude_deg", "longitude_deg", "lat", "lon", "organism", "program", "suffix", "instrument"),
    *("types", "type", "source", "jpg", "gallery", "perPage", "elevation", "time", "body", "x"),
]
_VALUES = [
    *("", "0", "-1", "1", "5", "99999999999999999999", "1e999", "nan", "inf", "true", "null", "[]"),
    *("%00", "%ff", "%ed%a0%80", "%F0%9F%9A%80", "a" * 300, "%27%22%3B--", "{}", "..%2f", "%25s"),
    *("2026-01-01", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    *("2026-01-01T00:00:00+24:00", "2026-13-45", "1e5", "0x10", "1_000", "%D9%A1", "asc", "desc"),
]
# Of the bodies, how many come with their length.
_HONEST = 0.7
_BODIES = [
    b"",
    b"{}",
    b'{"query": "{ position { ',
    b"\xff\xfe\x00",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"-1\r\n\r\n",
    b"0\r\n" + b"X: y\r\n" * 300 + b"\r\n",
    b"[" * 20_000,
    json.dumps({"query": "{" + "a{" * 500}).encode(),
    b"x" * 100_000,
]


@dataclass(frozen=True, slots=True)
class Input:
    """What is sent to the gateway.

    Attributes:
        kind: For the message, when it does harm.
        data: The bytes.
        slow: Whether they drip, and the connection is left before an answer may have come.
    """

    kind: str
    data: bytes
    slow: bool = False


def make(seed: int, number: int, paths: list[str]) -> Input:
    """Make one input.

    Args:
        seed: Of the run.
        number: Of the input.
        paths: Real paths of the gateway, which some inputs begin from.
    """
    choose = random.Random(f"{seed} {number}")
    makers: list[Callable[[random.Random, list[str]], Input]] = [
        _readable,
        _readable,
        _readable,
        _readable,
        _request,
        _request,
        _mutated,
        _garbage,
        _huge,
        _pipelined,
        _slow,
    ]
    return choose.choice(makers)(choose, paths)


def _target(choose: random.Random, paths: list[str]) -> str:
    path = choose.choice(paths)
    return choose.choice([path, choose.choice(_TRICKS), path + choose.choice(_TRICKS)])


def _line(choose: random.Random, paths: list[str]) -> str:
    method = choose.choice([*["GET"] * 8, *_METHODS])
    version = choose.choice([*["HTTP/1.1"] * 12, *_VERSIONS])
    return f"{method} {_target(choose, paths)} {version}"


def _whole(choose: random.Random, paths: list[str]) -> bytes:
    headers = ["Host: localhost", *choose.sample(_HEADERS, choose.randrange(5))]
    body = choose.choice([b"", *_BODIES])
    if choose.random() < _HONEST and body:
        headers += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
    head = "\r\n".join([_line(choose, paths), *headers, "", ""])
    return head.encode("latin-1", "replace") + body


def _readable(choose: random.Random, paths: list[str]) -> Input:
    """Make a request that a parser takes: what is wrong with it is for the routes to find."""
    method = choose.choice(["GET", "GET", "GET", "HEAD", "POST", "OPTIONS"])
    tricks = [trick for trick in _TRICKS if trick.startswith("/")]
    target = choose.choice(
        [
            choose.choice(paths) + "?" + _query(choose),
            choose.choice(paths) + quote(choose.choice(tricks), safe="%/"),
            quote(choose.choice(tricks), safe="%/?&=;"),
        ]
    )
    headers = choose.sample(_READABLE, choose.randrange(4))
    body = choose.choice(_BODIES) if method == "POST" else b""
    if body:
        headers += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
    head = "\r\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", *headers, "", ""])
    return Input("readable", head.encode("latin-1") + body)


def _query(choose: random.Random) -> str:
    pairs = [
        f"{choose.choice(_NAMES)}={choose.choice(_VALUES)}" for _ in range(choose.randrange(1, 4))
    ]
    return "&".join(pairs)


def _request(choose: random.Random, paths: list[str]) -> Input:
    return Input("request", _whole(choose, paths))


def _mutated(choose: random.Random, paths: list[str]) -> Input:
    data = bytearray(_whole(choose, paths))
    for _ in range(choose.randrange(1, 10)):
        place = choose.randrange(len(data))
        data[place : place + choose.randrange(3)] = choose.randbytes(choose.randrange(4))
    return Input("mutated", bytes(data))


def _garbage(choose: random.Random, _: list[str]) -> Input:
    # A TLS greeting, HTTP/2's preface, nothing at all, bytes.
    known = [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"",
        b"\r\n" * 500,
    ]
    return Input("garbage", choose.choice([*known, choose.randbytes(choose.randrange(1, 5_000))]))


def _huge(choose: random.Random, paths: list[str]) -> Input:
    path = choose.choice(paths)
    many = "".join(f"X-{number}: {number}\r\n" for number in range(choose.choice([50, 500, 5_000])))
    long = f"X-Long: {'a' * choose.choice([8_000, 9_000, 200_000])}\r\n"
    target = path + "?" + "a" * choose.choice([7_000, 9_000, 100_000])
    line = choose.choice([f"GET {path}", f"GET {target}"])
    return Input("huge", f"{line} HTTP/1.1\r\n{choose.choice([many, long])}\r\n".encode())


def _pipelined(choose: random.Random, paths: list[str]) -> Input:
    count = choose.randrange(2, 40)
    return Input("pipelined", b"".join(_whole(choose, paths) for _ in range(count)))


def _slow(choose: random.Random, paths: list[str]) -> Input:
    data = _whole(choose, paths)[:400]
    return Input("slow", data[: choose.randrange(1, len(data) + 1)], slow=True)
