"""Headers that every answer has, streams and errors too."""

from collections.abc import Iterable, Mapping

from aiohttp import hdrs, web

from services.gateway.middlewares.observe import REQUEST_ID
from services.gateway.ratelimit import VERDICT

# The library's default tells its version and Python's.
SERVER = "cassiopeia"
# What a page of another origin may read beside the body and the few that browsers always show.
EXPOSED = "Age, ETag, Link, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
_HSTS = "max-age=31536000"
EVERY_ORIGIN = "*"


class CommonHeaders:
    """Adds the headers that do not depend on the route.

    Args:
        cors_origins: Whose pages may read answers; `*` for every.
        behind_tls: Whether clients come over TLS.
    """

    def __init__(self, *, cors_origins: Iterable[str] = (), behind_tls: bool = False) -> None:
        self.origins = frozenset(cors_origins)
        self.static = {
            # A browser must not guess a type that we did not say.
            "X-Content-Type-Options": "nosniff",
            # No answer is a page that runs, loads or frames anything; those that are say so.
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            # Queries, which may hold a place where somebody lives, stay out of others' logs.
            "Referrer-Policy": "no-referrer",
            # Other sites' pages do not get the bytes into their process, unless they may read them.
            "Cross-Origin-Resource-Policy": "cross-origin" if self.origins else "same-origin",
            "Server": SERVER,
        }
        if behind_tls:
            # A browser that came over TLS once never comes without; wrong where there is none.
            self.static["Strict-Transport-Security"] = _HSTS
        # Of an answer that has none of them itself, which is almost every one.
        self._all = "\r\n".join(f"{name}: {value}" for name, value in self.static.items())

    def lines(self, request: web.BaseRequest, own: Mapping[str, str]) -> list[str]:
        """Return them as lines, for an answer that is sent whole; its own values win."""
        if self.static.keys().isdisjoint(own):
            lines = [self._all]
        else:
            lines = [f"{name}: {value}" for name, value in self.static.items() if name not in own]
        lines += [f"{name}: {value}" for name, value in self._of_request(request)]
        return lines

    async def on_prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add them to an answer before it is sent: aiohttp's signal."""
        self.complete(request, response)

    def complete(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Add them to an answer; its own values win."""
        headers = response.headers
        # The library has set its own by now.
        headers.pop(hdrs.SERVER, None)
        for name, value in self.static.items():
            headers.setdefault(name, value)
        for name, value in self._of_request(request):
            headers.add(name, value)

    def _of_request(self, request: web.BaseRequest) -> list[tuple[str, str]]:
        headers = []
        request_id = request.get(REQUEST_ID)
        if request_id is not None:
            headers.append(("X-Request-Id", request_id))
        verdict = request.get(VERDICT)
        if verdict is not None:
            headers += [("RateLimit", verdict.header), ("RateLimit-Policy", verdict.quota.policy)]
        if self.origins:
            headers += self.cors(request)
        return headers

    def cors(self, request: web.BaseRequest) -> list[tuple[str, str]]:
        """Return what lets a page of another origin read an answer."""
        if EVERY_ORIGIN in self.origins:
            return [(hdrs.ACCESS_CONTROL_ALLOW_ORIGIN, EVERY_ORIGIN), _EXPOSE]
        # An answer to one origin must not be kept for another.
        headers = [(str(hdrs.VARY), str(hdrs.ORIGIN))]
        origin = request.headers.get(hdrs.ORIGIN)
        if origin in self.origins:
            headers += [(hdrs.ACCESS_CONTROL_ALLOW_ORIGIN, origin), _EXPOSE]
        return headers


_EXPOSE = (hdrs.ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED)
COMMON = web.RequestKey("common", CommonHeaders)


def lines(request: web.BaseRequest, own: Mapping[str, str]) -> list[str]:
    """Return the common headers of a request as lines."""
    return request[COMMON].lines(request, own)
