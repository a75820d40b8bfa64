"""The fast lane: plain requests for what is in memory are answered from their bytes (ADR 0019).

A client that polls a latest value, or shows the same page of history, sends the same bytes each
time. They are parsed once; from then on they lead straight to the answer, without aiohttp's parser,
request, task and response. What the front does is done all the same: the limit, the common headers,
the metrics and the log line.

A request that is not plain (another method or version, a body, credentials, conditions, a header
that is not listed) goes the long way. So does every request for which the limiter must ask the
broker.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from services.gateway.answers import describe, kept_headers, latest_headers
from services.gateway.cache import HistoryCache, Kept, Kind
from services.gateway.keys import ACCESS, ACCESS_LOG, CACHE, CLOCK, COMMON_HEADERS, LIMITER
from services.gateway.middlewares.headers import Told
from services.gateway.middlewares.observe import RouteObserver, new_id
from services.gateway.ready import Ready
from services.gateway.routing import Route
from services.gateway.whole import head_of

# A browser's head is below 1 KiB; 2,000 heads, with what is kept for each, are 4 MB.
MOST_BYTES = 2_048
MOST_REMEMBERED = 2_000
# Headers that change nothing in an answer, and the two that are looked at.
_HARMLESS = frozenset(
    {b"host", b"user-agent", b"accept", b"accept-language", b"cache-control", b"pragma"}
    | {b"referer", b"dnt", b"priority", b"sec-fetch-dest", b"sec-fetch-mode", b"sec-fetch-site"}
    | {b"sec-fetch-user", b"sec-gpc", b"upgrade-insecure-requests"}
)
_ACCEPT_ENCODING, _CONNECTION = b"accept-encoding", b"connection"
_PRINTABLE = frozenset(range(0x20, 0x7F))


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """What a plain request asks for: path and query, and the encodings that it accepts."""

    target: str
    accepted: str


def parse_plain(data: bytes) -> PlainRequest | None:
    """Return what a plain request asks for; None where the bytes are anything else. Pure."""
    if len(data) > MOST_BYTES or not data.endswith(b"\r\n\r\n"):
        return None
    first, *rest = data[:-4].split(b"\r\n")
    method, _, target = first.partition(b" ")
    target, _, version = target.partition(b" ")
    if method != b"GET" or version != b"HTTP/1.1" or not _is_printable(target):
        return None
    accepted, hosts = b"", 0
    for line in rest:
        name, colon, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if not colon or not _is_printable(value):
            return None
        hosts += name == b"host"
        if name == _ACCEPT_ENCODING and not accepted:
            accepted = value
        elif not (name in _HARMLESS or (name == _CONNECTION and value.lower() == b"keep-alive")):
            return None
    # RFC 9112, 3.2: a request has exactly one Host.
    return PlainRequest(target.decode(), accepted.decode()) if hosts == 1 else None


def _is_printable(text: bytes) -> bool:
    return bool(text) and _PRINTABLE.issuperset(text)


class Latest:
    """A latest value, from memory."""

    def __init__(
        self, application: web.Application, newest: Callable[[web.Application], Ready | None]
    ) -> None:
        self._application = application
        self._newest = newest

    def find(self) -> Ready | None:
        """Return the value; None before there is one."""
        return self._newest(self._application)

    def headers(self, now: datetime) -> dict[str, str]:
        """Return the headers that say how old the value is."""
        ready = self.find()
        return {} if ready is None else latest_headers(ready, now)


class Page:
    """A page of history that the cache had when it was last asked for."""

    def __init__(self, cache: HistoryCache, kind: Kind, key: str) -> None:
        self._cache = cache
        self._kept: Kept | None = None
        self.is_at(kind, key)

    def is_at(self, kind: Kind, key: str) -> None:
        """Note where the cache keeps the page now: its kind changes once its window is past."""
        self._kind, self._key = kind, key

    def find(self) -> Ready | None:
        """Return the page while it is good; None if it must be made, or may have changed."""
        self._kept = self._cache.at_hand(self._kind, self._key)
        return self._kept.ready if self._kept else None

    def headers(self, now: datetime) -> dict[str, str]:
        """Return the headers that say how old the page is and how long it stays fresh."""
        return {} if self._kept is None else kept_headers(self._kept, self._kind, now)


@dataclass(slots=True)
class _Lane:
    """A known plain request, and the head of its answer in the present second."""

    source: Latest | Page
    path: str
    accepted: str
    cost: int
    observer: RouteObserver
    ready: Ready | None = None
    second: int = 0
    head: str = ""
    body: bytes = field(default=b"", repr=False)


class FastLane:
    """Answers plain requests that came before."""

    def __init__(self, routes: Iterable[Route], application: web.Application) -> None:
        self._access = application[ACCESS]
        self._limiter = application[LIMITER]
        self._common = application[COMMON_HEADERS]
        self._cache = application[CACHE]
        self._clock = application[CLOCK]
        log = application[ACCESS_LOG]
        self._routes = {
            route.path: (route.cost, RouteObserver(route, log))
            for route in routes
            if route.method == "GET"
        }
        self._latest = {
            route.path: Latest(application, route.latest) for route in routes if route.latest
        }
        # By target: the template of the route, and the page.
        self._pages: dict[str, tuple[str, Page]] = {}
        self._plain: dict[bytes, PlainRequest | None] = {}
        self._lanes: dict[PlainRequest, _Lane] = {}

    def learn(self, template: str, target: str, kind: Kind, key: str) -> None:
        """Remember where the cache keeps the page that a target asks for."""
        if target in self._pages:
            self._pages[target][1].is_at(kind, key)
        elif template in self._routes and len(target) <= MOST_BYTES:
            _make_room(self._pages)
            self._pages[target] = (template, Page(self._cache, kind, key))

    def answer(self, data: bytes, peer: str) -> bytes | None:
        """Return the answer to a request; None if it must go the long way.

        Args:
            data: All bytes of the request.
            peer: The address at the other end of the connection.
        """
        began = time.perf_counter()
        plain = self._plain[data] if data in self._plain else self._read(data)
        if plain is None:
            return None
        lane = self._lanes.get(plain) or self._open(plain)
        if lane is None:
            return None
        ready = lane.source.find()
        if ready is None or ready.policy is not None:
            return None
        client = self._access.of_peer(peer)
        verdict = self._limiter.spend_leased(client.key, client.quota, lane.cost)
        if verdict is None:
            return None
        self._refresh(lane, ready)
        request_id = new_id()
        told = self._common.told(Told(request_id, verdict))
        seconds = time.perf_counter() - began
        lane.observer.note("GET", lane.path, 200, seconds, client.name, request_id)
        return f"{lane.head}{told}\r\n".encode("latin-1") + lane.body

    def _refresh(self, lane: _Lane, ready: Ready) -> None:
        now = self._clock.now()
        second = int(now.timestamp())
        if lane.ready is ready and lane.second == second:
            return
        headers = lane.source.headers(now)
        lane.body = describe(ready, lane.accepted, headers)
        lane.head = head_of(200, headers, lane.body, self._common, second)
        lane.ready, lane.second = ready, second

    def _read(self, data: bytes) -> PlainRequest | None:
        if len(data) > MOST_BYTES:
            return None
        _make_room(self._plain)
        plain = self._plain[data] = parse_plain(data)
        return plain

    def _open(self, plain: PlainRequest) -> _Lane | None:
        """Return the lane of a request; None if its target has none, or is not known yet."""
        template, source = plain.target, self._latest.get(plain.target)
        found: Latest | Page | None = source
        if found is None and plain.target in self._pages:
            template, found = self._pages[plain.target]
        if found is None:
            return None
        cost, observer = self._routes[template]
        _make_room(self._lanes)
        path = plain.target.partition("?")[0]
        lane = self._lanes[plain] = _Lane(found, path, plain.accepted, cost, observer)
        return lane


def _make_room(known: dict[Any, Any]) -> None:
    # Some client sends ever new requests; requests that repeat are soon known again.
    if len(known) >= MOST_REMEMBERED:
        known.clear()


FAST_LANE = web.AppKey("fast_lane", FastLane)
