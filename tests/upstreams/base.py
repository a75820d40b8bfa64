"""What all simulators share: counting calls, keeping limits, failing on request."""

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from aiohttp import web

from tests.upstreams import transport
from tests.upstreams.calls import Call, CallLog, Limit
from tests.upstreams.faults import Fault

ERROR_PAGE = b"<!DOCTYPE html><html><head><title>Error</title></head><body>Sorry.</body></html>"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of an upstream."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(payload: object, status: int = 200) -> Answer:
    """Return a payload as compact JSON."""
    return Answer(json.dumps(payload, separators=(",", ":")).encode(), status)


def text_answer(text: str, status: int = 200, content_type: str = "text/plain") -> Answer:
    """Return text."""
    return Answer(text.encode(), status, content_type)


class Simulator(ABC):
    """One upstream.

    A subclass gives the answers of the healthy upstream in `answer` and may look at `fault` for
    what is wrong inside of its records; everything else that goes wrong is made here.

    Attributes:
        log: Every call so far.
        enforce_limits: Refuse calls beyond the limits, instead of only counting them.
        retry_after_s: What `Fault.TOO_MANY_429_RETRY_AFTER` asks for.
        huge_body_bytes: Size of `Fault.HUGE_BODY`.
        slow_interval_s: Between the bytes of `Fault.SLOW_BODY`.
        stale_by_s: How far in the past `Fault.STALE` lives.
        bytes_streamed: What went out of huge and slow bodies before the client left.
    """

    name: ClassVar[str]
    """How the control calls it, and its path when it shares a port."""
    setting: ClassVar[str]
    """The setting that holds its address."""
    root: ClassVar[str] = ""
    """The path that belongs to the address."""
    limits: ClassVar[tuple[Limit, ...]] = ()
    vital_keys: ClassVar[tuple[str, ...]] = ()
    """What `Fault.MISSING_KEYS` takes away and `Fault.NULL_VALUES` empties."""
    inapplicable: ClassVar[frozenset[Fault]] = frozenset()
    """Faults that make no sense here."""

    def __init__(
        self, *, enforce_limits: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self.enforce_limits = enforce_limits
        self.clock = clock
        self.log = CallLog(self.limits)
        self.retry_after_s = 5
        self.huge_body_bytes = 50_000_000
        self.slow_interval_s = 0.5
        self.stale_by_s = 3_600.0
        self.bytes_streamed = 0
        self._fault: Fault | None = None
        self._url: str | None = None
        self._released = asyncio.Event()
        self._last_good: dict[str, Answer] = {}

    @abstractmethod
    async def answer(self, request: web.Request, path: str) -> Answer:
        """Return what the upstream says to a request; `path` is relative to its root."""

    def headers(self) -> dict[str, str]:
        """Return the headers that come with every answer."""
        return {}

    def error(self, status: int, text: str) -> Answer:
        """Return an error as this upstream words it."""
        return json_answer({"error": text, "status": status}, status)

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        """Answer a call beyond the limits."""
        del request
        return self._send(self.error(429, "rate limit exceeded"))

    @property
    def now(self) -> float:
        """The time that the answers speak of, in seconds since 1970."""
        return self.clock() - (self.stale_by_s if self._fault is Fault.STALE else 0)

    @property
    def url(self) -> str:
        """The address to use as the upstream's; known while it runs."""
        if self._url is None:
            raise RuntimeError(f"{self.name} does not run: use `async with running(...)`")
        return self._url

    @url.setter
    def url(self, url: str) -> None:
        self._url = url

    @property
    def fault(self) -> Fault | None:
        """What is wrong at present; setting it lets go of every call that hangs."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        if fault in self.inapplicable:
            raise ValueError(f"{self.name} has no fault {fault}")
        self._fault = fault
        self.release()

    def release(self) -> None:
        """Let the calls that hang now go on; later ones hang again while the fault lasts."""
        self._released.set()
        self._released = asyncio.Event()

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return len(self.log.calls)

    def max_calls_in(self, window_s: float, path: str | None = None) -> int:
        """Return the largest number of calls in any window of so many seconds."""
        return self.log.max_calls_in(window_s, path)

    async def wait_for_calls(self, count: int, timeout_s: float = 10) -> None:
        """Wait until there were so many calls."""
        await self.log.wait_for(count, timeout_s)

    def spoil(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return a record with its vital keys taken away or emptied, if that is the fault."""
        match self._fault:
            case Fault.MISSING_KEYS:
                return {key: value for key, value in record.items() if key not in self.vital_keys}
            case Fault.NULL_VALUES:
                return record | dict.fromkeys(self.vital_keys)
            case _:
                return record

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, rightly or wrongly."""
        path = "/" + request.match_info["path"]
        call = Call(
            at=self.clock(),
            method=request.method,
            path=path,
            query=request.query_string,
            user_agent=request.headers.get("User-Agent", ""),
        )
        allowed = await self.log.begin(call)
        try:
            response = await self._respond(request, path, allowed=allowed)
        finally:
            self.log.end()
        call.status = response.status
        return response

    async def _respond(
        self, request: web.Request, path: str, *, allowed: bool
    ) -> web.StreamResponse:
        if self.enforce_limits and not allowed:
            return await self.refuse(request)
        match self._fault:
            case Fault.RESET:
                return await transport.reset(request)
            case Fault.HANG:
                await self._released.wait()
            case Fault.HUGE_BODY | Fault.HUGE_BODY_GZIP as fault:
                return await transport.stream_huge(
                    request,
                    size=self.huge_body_bytes,
                    compressed=fault is Fault.HUGE_BODY_GZIP,
                    count=self._count_streamed,
                )
            case fault if fault and (answer := self._canned(fault)):
                return self._send(answer)
        answer = await self._rightly(request, path)
        match self._fault:
            case Fault.TRUNCATED_JSON:
                answer = replace(answer, body=answer.body[: len(answer.body) // 2])
            case Fault.SLOW_BODY:
                return await transport.stream_slowly(
                    request,
                    self._send(answer),
                    interval_s=self.slow_interval_s,
                    released=self._released,
                    count=self._count_streamed,
                )
        return self._send(answer)

    def _canned(self, fault: Fault) -> Answer | None:
        """Return the answer of a fault that does not depend on the request."""
        too_many = self.error(429, "rate limit exceeded")
        return {
            Fault.ERROR_500: Answer(ERROR_PAGE, 500, "text/html"),
            Fault.FORBIDDEN_403: Answer(ERROR_PAGE, 403, "text/html"),
            Fault.HTML_200: Answer(ERROR_PAGE, 200, "text/html"),
            Fault.ERROR_OBJECT_200: json_answer({"error": "something went wrong", "status": 500}),
            Fault.TOO_MANY_429: too_many,
            Fault.TOO_MANY_429_RETRY_AFTER: replace(
                too_many, headers={"Retry-After": str(self.retry_after_s)}
            ),
        }.get(fault)

    async def _rightly(self, request: web.Request, path: str) -> Answer:
        """Return the upstream's answer; while frozen, the last one that was good."""
        if self._fault is Fault.FROZEN and path in self._last_good:
            return self._last_good[path]
        answer = await self.answer(request, path)
        if answer.status == web.HTTPOk.status_code and self._fault in (None, Fault.FROZEN):
            self._last_good[path] = answer
        return answer

    def _send(self, answer: Answer) -> web.Response:
        return web.Response(
            body=answer.body,
            status=answer.status,
            content_type=answer.content_type,
            headers={**self.headers(), **answer.headers},
        )

    def _count_streamed(self, size: int) -> None:
        self.bytes_streamed += size
