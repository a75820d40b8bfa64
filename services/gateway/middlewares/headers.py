"""Headers that every answer has, streams and errors too."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aiohttp import hdrs, web

from services.gateway.middlewares.observe import REQUEST_ID
from services.gateway.ratelimit import VERDICT, Verdict

# The headers that a page of another origin may read, beside the few that browsers always show.
EXPOSED = (
    "Age, Cache-Status, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After,"
    " X-Request-Id"
)
_HSTS = "max-age=31536000"
EVERY_ORIGIN = "*"


class CommonHeaders:
    """Adds the headers that do not depend on the route.

    Args:
        cors_origins: Origins whose pages may read answers; `*` for every origin.
        behind_tls: Whether clients come over TLS.
    """

    def __init__(self, *, cors_origins: Iterable[str] = (), behind_tls: bool = False) -> None:
        self.origins = frozenset(cors_origins)
        self.static = {
            # A browser must not guess a type other than the stated one.
            "X-Content-Type-Options": "nosniff",
            # No answer may run, load or frame anything; a page sets a policy of its own.
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            # A query may hold the place where a person lives: it stays out of other sites' logs.
            "Referrer-Policy": "no-referrer",
            # Other sites' pages do not get the bytes into their process, unless they may read them.
            "Cross-Origin-Resource-Policy": "cross-origin" if self.origins else "same-origin",
        }
        if behind_tls:
            # A browser that came over TLS once will never come without it: only for sites with TLS.
            self.static["Strict-Transport-Security"] = _HSTS
        # The lines for an answer that has none of these headers itself, as almost every one.
        self._all = "\r\n".join(f"{name}: {value}" for name, value in self.static.items())

    def lines(self, own: Mapping[str, str]) -> str:
        """Return the lines that are the same for all requests; an answer's own values win."""
        if self.static.keys().isdisjoint(own):
            return self._all
        return "\r\n".join(
            f"{name}: {value}" for name, value in self.static.items() if name not in own
        )

    def told(self, told: "Told") -> str:
        """Return the lines that depend on the request, each with its line end."""
        lines = f"X-Request-Id: {told.request_id}\r\n" if told.request_id else ""
        if told.verdict is not None:
            lines += (
                f"RateLimit: {told.verdict.header}\r\n"
                f"RateLimit-Policy: {told.verdict.quota.policy}\r\n"
            )
        for name, value in self.cors(told.origin):
            lines += f"{name}: {value}\r\n"
        return lines

    async def on_prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the common headers before an answer is sent, as a handler of aiohttp's signal."""
        self.complete(request, response)

    def complete(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Add the common headers to an answer; its own values win."""
        headers = response.headers
        # aiohttp has set this header by now; clients need not know its version and Python's.
        headers.pop(hdrs.SERVER, None)
        for name, value in self.static.items():
            headers.setdefault(name, value)
        for line in self.told(told_of(request)).splitlines():
            name, _, value = line.partition(": ")
            headers.add(name, value)

    def cors(self, origin: str | None) -> list[tuple[str, str]]:
        """Return what lets a page of another origin read an answer."""
        if not self.origins:
            return []
        if EVERY_ORIGIN in self.origins:
            return [(hdrs.ACCESS_CONTROL_ALLOW_ORIGIN, EVERY_ORIGIN), _EXPOSE]
        # A cache must not serve the answer to one origin to another.
        headers = [(str(hdrs.VARY), str(hdrs.ORIGIN))]
        if origin in self.origins and origin is not None:
            headers += [(hdrs.ACCESS_CONTROL_ALLOW_ORIGIN, origin), _EXPOSE]
        return headers


class Told(NamedTuple):
    """What the headers of an answer tell about its request.

    Attributes:
        request_id: The id of the request.
        verdict: What the limiter said; None if it was not asked.
        origin: The origin of the page that asks, in a browser.
    """

    request_id: str | None
    verdict: Verdict | None
    origin: str | None = None


def told_of(request: web.BaseRequest) -> Told:
    """Return what the headers of an answer tell about a request."""
    return Told(request.get(REQUEST_ID), request.get(VERDICT), request.headers.get(hdrs.ORIGIN))


_EXPOSE = (hdrs.ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED)
COMMON = web.RequestKey("common", CommonHeaders)
