"""One client's connection, with the time limits that aiohttp's own lacks.

Three limits bound a slow client. The head of a request must come within `idle_seconds`: aiohttp's
keep-alive timer runs until a head is complete, so it also ends a head that comes byte by byte. A
body must come within `slow_client_seconds` (parsing.py). And the client must read its answers in
time, which is checked here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from libs.common import metrics
from libs.common.logging import get_logger
from services.gateway.fastlane import FAST_LANE
from services.gateway.keys import ACCESS_LOG, COMMON_HEADERS, SETTINGS
from services.gateway.middlewares.accesslog import Served
from services.gateway.middlewares.observe import REQUEST_ID, new_id
from services.gateway.problems import ProblemError, Slug, problem_response

_log = get_logger(__name__)

# Usual requests are below 1 KiB; a cursor, a token and a browser's cookies fit as well.
MAX_LINE_BYTES = 8_190
MAX_HEADERS = 64
# An unwanted body is read for this long, so that its sender gets to read the answer.
_LINGER_S = 2.0
_BACKLOG = 1_024
_UNREADABLE = "unreadable"


class Connection(web.RequestHandler):
    """Ends clients that read answers too slowly, and answers what is no HTTP with a problem."""

    __slots__ = (
        "_access_log",
        "_common",
        "_fast_lane",
        "_in_order",
        "_late",
        "_patience_s",
        "_peer",
        "_waiting",
    )

    def __init__(self, server: web.Server, application: web.Application) -> None:
        settings = application[SETTINGS]
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=settings.idle_seconds,
            # The front writes the access log.
            access_log=None,  # type: ignore[arg-type]  # as web.AppRunner is told it
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            lingering_time=_LINGER_S,
        )
        self._common = application[COMMON_HEADERS]
        self._access_log = application[ACCESS_LOG]
        self._patience_s = settings.slow_client_seconds
        self._late: asyncio.TimerHandle | None = None
        self._fast_lane = application[FAST_LANE]
        self._peer = ""
        # Requests that were handed to aiohttp and are not answered yet.
        self._waiting = 0
        # Whether everything so far was requests without a body, each in a piece of its own. Only
        # then is it certain that aiohttp's parser stands between two requests.
        self._in_order = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the address at the other end."""
        super().connection_made(transport)
        name = transport.get_extra_info("peername")
        self._peer = str(name[0]) if isinstance(name, tuple) else ""

    def data_received(self, data: bytes) -> None:
        """Answer a plain request at once, and hand everything else to aiohttp."""
        if self._in_order:
            if self._waiting == 0 and self._late is None and self._answered(data):
                return
            self._in_order = is_one_request(data)
            self._waiting += 1
        super().data_received(data)

    def _answered(self, data: bytes) -> bool:
        transport = self.transport
        if transport is None or transport.is_closing():
            return False
        answer = self._fast_lane.answer(data, self._peer)
        if answer is None:
            return False
        transport.write(answer)
        # aiohttp's timer of idle connections must count from here.
        self._next_keepalive_close_time = self._loop.time() + self.keepalive_timeout
        return True

    def pause_writing(self) -> None:
        """Wait for a client that reads more slowly than the gateway writes, but not for ever."""
        super().pause_writing()
        self._late = self._loop.call_later(self._patience_s, self._give_up)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        self._stop_waiting()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the client."""
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - the parser's words show its insides
    ) -> web.StreamResponse:
        """Answer a request that could not be read, or that failed outside of the front.

        Raises:
            ConnectionError: Part of an answer has been sent already.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        problem = _problem_of(status, exc)
        if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("connection_failed", exc_info=exc)
        response = self._rejection(request, problem)
        # No application has seen this request, so none adds the common headers.
        self._common.complete(request, response)
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; aiohttp's own, to a target that is no path, is replaced by a problem."""
        if isinstance(resp, web.HTTPException):
            resp = self._rejection(request, _problem_of(HTTPStatus.BAD_REQUEST, None))
        finished = await super().finish_response(request, resp, start_time)
        self._waiting -= 1
        return finished

    def _rejection(self, request: web.BaseRequest, problem: ProblemError) -> web.Response:
        request_id = request[REQUEST_ID] = new_id()
        metrics.HTTP_REJECTED.labels(problem.slug).inc()
        client = request.remote or ""
        self._access_log.write(
            Served("-", "-", _UNREADABLE, problem.status.value, 0.0, client, request_id)
        )
        response = problem_response(problem, "/", request_id)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:  # noqa: ANN401 - as logging takes them
        """Log a fault; only count a body that contradicts its headers: the client's fault."""
        if isinstance(kw.get("exc_info"), web.RequestPayloadError):
            metrics.HTTP_REJECTED.labels("bad-body").inc()
        else:
            super().log_exception(*args, **kw)

    def _give_up(self) -> None:
        metrics.HTTP_REJECTED.labels("slow-reader").inc()
        if self.transport is not None:
            self.transport.abort()

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


# Headers by which a request is more than its head, or its connection becomes something else.
_MORE = (b"content-length", b"transfer-encoding", b"upgrade", b"expect")


def is_one_request(data: bytes) -> bool:
    """Whether bytes are one whole request without a body, and nothing of the next. Pure."""
    # CONNECT makes a tunnel; the other methods may have a body.
    if not data.startswith((b"GET ", b"HEAD ")) or not data.endswith(b"\r\n\r\n"):
        return False
    if data.count(b"\n\r\n") + data.count(b"\n\n") != 1:
        return False
    head = data.lower()
    return not any(name in head for name in _MORE)


def _problem_of(status: int, error: BaseException | None) -> ProblemError:
    if isinstance(error, LineTooLong):
        return ProblemError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            Slug.HEAD_TOO_LARGE,
            f"expected a request line and headers of at most {MAX_LINE_BYTES} bytes each",
        )
    if status == HTTPStatus.BAD_REQUEST:
        return ProblemError(
            HTTPStatus.BAD_REQUEST, Slug.BAD_REQUEST, "expected a request as RFC 9112 describes it"
        )
    return ProblemError(
        HTTPStatus(status), Slug.INTERNAL, "this is a fault of ours; the log has it"
    )


@asynccontextmanager
async def listening(application: web.Application) -> AsyncIterator[None]:
    """Serve an application until the block ends, then let requests in progress finish."""
    settings = application[SETTINGS]
    runner = web.AppRunner(
        application,
        # Requests in progress get this long; live streams end by themselves before that.
        shutdown_timeout=settings.stop_seconds / 2,
        # A handler whose client has gone would go on holding a database connection.
        handler_cancellation=True,
    )
    await runner.setup()
    server = runner.server
    if server is None:
        raise RuntimeError("the runner has no server after its setup")
    try:
        listener = await asyncio.get_running_loop().create_server(
            lambda: Connection(server, application),
            settings.host,
            settings.port,
            backlog=_BACKLOG,
            reuse_port=True,
        )
        _log.info("listening", address=f"http://{settings.host}:{settings.port}")
        try:
            yield
        finally:
            listener.close()
    finally:
        await runner.cleanup()
