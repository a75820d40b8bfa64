"""Request ids, metrics and the canonical log line of a request."""

import itertools
import re
import secrets

from aiohttp import hdrs, web
from prometheus_client import Counter

from libs.common import metrics
from services.gateway.access import CLIENT
from services.gateway.middlewares.accesslog import AccessLog, Served
from services.gateway.routing import EVENT_STREAM, Route

REQUEST_ID = web.RequestKey("request_id", str)
# nginx's number for a client that went away before it had an answer.
CLIENT_CLOSED = 499
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Machines ask these every few seconds; they would be most of the log.
_QUIET = frozenset({"/health", "/health/live", "/health/ready"})
# A method may be any word: a metric label for each word that a client tries would leak memory.
_KNOWN_METHODS = frozenset(
    {hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_POST, hdrs.METH_PUT, hdrs.METH_PATCH}
    | {hdrs.METH_DELETE, hdrs.METH_OPTIONS}
)
_OTHER_METHOD = "OTHER"
# Such ids are unique over replicas and restarts, at a tenth of the cost of random ones.
_prefix = secrets.token_hex(6)
_numbers = itertools.count(1)


def identify(request: web.Request) -> str:
    """Give the request the id that its client offers, or a new one."""
    offered = request.headers.get("X-Request-Id")
    if offered is None or not _ACCEPTABLE_ID.fullmatch(offered):
        offered = new_id()
    request[REQUEST_ID] = offered
    return offered


def new_id() -> str:
    """Return a request id."""
    return f"{_prefix}-{next(_numbers):x}"


class RouteObserver:
    """Counts, times and logs the requests of one route.

    The metric label is the template, never the path: a label for every path that a client tries
    would leak memory. Streams are not timed: one lasts as long as its client likes.
    """

    def __init__(self, route: Route, log: AccessLog) -> None:
        template = self._template = route.path
        self._log = log
        is_stream = route.media == EVENT_STREAM
        self._seconds = None if is_stream else metrics.HTTP_SECONDS.labels(template)
        self._counters: dict[tuple[str, int], Counter] = {}
        self._quiet = template in _QUIET

    def over(self, request: web.Request, status: int, seconds: float) -> None:
        """Note the end of a request."""
        client = request.get(CLIENT)
        name = client.name if client else request.remote or ""
        self.note(request.method, request.path, status, seconds, name, request[REQUEST_ID])

    def note(
        self, method: str, path: str, status: int, seconds: float, client: str, request_id: str
    ) -> None:
        """Note the end of a request, described by plain values."""
        label = method if method in _KNOWN_METHODS else _OTHER_METHOD
        counter = self._counters.get((label, status))
        if counter is None:
            counter = metrics.HTTP_REQUESTS.labels(self._template, label, str(status))
            self._counters[label, status] = counter
        counter.inc()
        if self._seconds is not None:
            self._seconds.observe(seconds)
        if not self._quiet:
            served = Served(method, path, self._template, status, seconds, client, request_id)
            self._log.write(served)
