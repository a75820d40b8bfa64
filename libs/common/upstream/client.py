"""The HTTP client for upstreams: calls are bounded in time, size and number; errors say why."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import aiohttp
from pydantic import ValidationError
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from libs.common import metrics
from libs.common.clock import Clock
from libs.common.errors import (
    AccessRefusedError,
    BodyRejectedError,
    BodyTooLargeError,
    BudgetExhaustedError,
    NotUpdatedError,
    RateLimitedError,
    RequestRejectedError,
    ServerFaultError,
    UnreachableError,
    UpstreamError,
    UpstreamTimeoutError,
)
from libs.common.events import reason_of
from libs.common.polling.budget import Budget
from libs.common.secrets import Redactor
from libs.common.upstream.records import storable
from libs.common.waits import bounded_wait

USER_AGENT = "Cassiopeia/0.1 (self-hosted collector of public space data)"
# An HTML page starts with markup that says nothing, so this is longer than a reason may be.
# `plain_reason` removes the markup and cuts the rest.
EXCERPT_BYTES = 2_000
# A poll that is due when a rate-limit window ends may come some milliseconds early.
PATIENCE_S = 1.0

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """The bounds of every call.

    Attributes:
        timeout_s: From the request to the end of the body.
        connect_timeout_s: For name, connection and TLS.
        max_body_bytes: Reading stops above this.
        attempts: Tries per call when a retry may help, with full jitter between them. A source that
            is polled often needs no second try: its next poll is the retry.
        headers: Sent with every call; an API key may be among them.
        secrets: Masked in every body, because upstreams echo API keys.
    """

    timeout_s: float = 30.0
    connect_timeout_s: float = 5.0
    max_body_bytes: int = 8 * 1024 * 1024
    attempts: int = 1
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class _Request:
    """What differs from one call to the next."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return "GET" if self.form is None else "POST"


@dataclass(frozen=True, slots=True)
class Validators:
    """What a conditional request needs from the last answer."""

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """Return the conditional request's headers."""
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value}


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON document of an upstream.

    Attributes:
        url: The address without the query, which may hold a key.
        document: The parsed body, without what cannot be stored.
        body: The body as received, with secrets masked.
        fetched_at: When the body was complete.
        validators: What the next conditional request needs.
    """

    url: str
    document: Any
    body: bytes
    fetched_at: datetime
    validators: Validators

    def read(self, normalize: Callable[[Any], _Result]) -> _Result:
        """Return what a normalizer makes of the document.

        Raises:
            BodyRejectedError: The normalizer raised a ValueError.
        """
        try:
            return normalize(self.document)
        except ValidationError as error:
            raise BodyRejectedError(reason_of(error), self.body) from error
        except ValueError as error:
            raise BodyRejectedError(str(error), self.body) from error


class UpstreamClient:
    """Calls one upstream."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        budget: Budget,
        options: ClientOptions,
        clock: Clock,
    ) -> None:
        self.name = budget.upstream
        self.budget = budget
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._options = options
        self._clock = clock
        self._redact = Redactor(options.secrets)
        self._timeout = aiohttp.ClientTimeout(
            # `sock_connect` would not cover name resolution, and a broken resolver takes half a
            # minute.
            total=options.timeout_s,
            connect=options.connect_timeout_s,
        )

    async def get_json(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        validators: Validators | None = None,
    ) -> Answer:
        """GET a JSON document; each try takes one call from the budget.

        Raises:
            UpstreamError: The subclass says what went wrong.
        """
        headers = validators.headers() if validators else {}
        return await self._ask(_Request(path, params or {}, headers=headers))

    async def post_form(self, path: str, form: Mapping[str, str]) -> Answer:
        """POST a form and get a JSON document, as `get_json` does; for questions, not for changes.

        Raises:
            UpstreamError: The subclass says what went wrong.
        """
        return await self._ask(_Request(path, form=form))

    async def _ask(self, request: _Request) -> Answer:
        def helps(error: BaseException) -> bool:
            return isinstance(error, UpstreamError) and error.retryable and not error.retry_after_s

        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._options.attempts),
            wait=wait_random_exponential(multiplier=0.5, max=8.0),
            retry=retry_if_exception(helps),
            reraise=True,
        )
        return await retrying(self._ask_once, request)

    async def _ask_once(self, request: _Request) -> Answer:
        await self._take_call()
        began = time.perf_counter()
        outcome = "ok"
        try:
            return await self._exchange(request)
        except UpstreamError as error:
            outcome = type(error).__name__
            if error.retry_after_s or isinstance(error, RateLimitedError):
                await self.budget.block(error.retry_after_s)
            raise
        finally:
            metrics.UPSTREAM_CALLS.labels(self.name, outcome).inc()
            metrics.UPSTREAM_SECONDS.labels(self.name).observe(time.perf_counter() - began)

    async def _take_call(self) -> None:
        """Take a call from the budget; a call that is a moment early waits instead of failing."""
        try:
            await self.budget.take()
        except BudgetExhaustedError as error:
            if error.wait_s > PATIENCE_S:
                raise
            await asyncio.sleep(error.wait_s)
            await self.budget.take()

    async def _exchange(self, request: _Request) -> Answer:
        url = self._base_url + request.path
        try:
            async with self._session.request(
                request.method,
                url,
                params=request.params,
                data=request.form,
                headers={"User-Agent": USER_AGENT, **self._options.headers, **request.headers},
                timeout=self._timeout,
                # A redirect may lead to a host that nobody configured, so the call fails and says
                # so.
                allow_redirects=False,
                middlewares=(send_once,),
            ) as response:
                body = await self._body_of(response)
                fetched_at = self._clock.now()
                await self._obey(response.headers)
        except TimeoutError as error:
            raise UpstreamTimeoutError(
                f"{self.name} did not answer within {self._options.timeout_s:g} s"
            ) from error
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            # aiohttp's message may contain the whole address, with the key in it.
            words = self._redact(str(error)) or type(error).__name__
            raise UnreachableError(f"{self.name}: {words}") from error
        if response.status != HTTPStatus.OK:
            self._raise_for(response, body)
        return Answer(
            url=url,
            document=self._parsed(body, response.content_type),
            body=body,
            fetched_at=fetched_at,
            validators=Validators(
                _validator(response.headers.get("ETag")),
                _validator(response.headers.get("Last-Modified")),
            ),
        )

    async def _obey(self, headers: Mapping[str, str]) -> None:
        """Stop calling when the upstream says that its limit is used up, whatever we counted."""
        left = headers.get("X-Rate-Limit-Remaining") or headers.get("X-RateLimit-Remaining")
        if left == "0":
            await self.budget.block(retry_after_of(headers, b"", self._clock.now()))

    async def _body_of(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._options.max_body_bytes:
                # Otherwise the connection would return to the pool with the rest still unread.
                response.close()
                raise BodyTooLargeError(
                    f"{self.name} sent more than {self._options.max_body_bytes} bytes"
                )
        return self._redact.known_in(bytes(body))

    def _raise_for(self, response: aiohttp.ClientResponse, body: bytes) -> NoReturn:
        status = response.status
        excerpt = " ".join(body[:EXCERPT_BYTES].decode(errors="replace").split())
        message = f"{self.name} answered {status}: {excerpt}"
        limited = status == HTTPStatus.TOO_MANY_REQUESTS or (
            status == HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" in response.headers
        )
        wait_s = retry_after_of(response.headers, body if limited else b"", self._clock.now())
        match status:
            case HTTPStatus.NOT_MODIFIED:
                raise NotUpdatedError(f"{self.name} has nothing newer", wait_s)
            case _ if limited:
                raise RateLimitedError(message, wait_s)
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                raise AccessRefusedError(message, wait_s)
            case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise ServerFaultError(message, wait_s)
            case _ if status in range(300, 400):
                target = _site_of(response.headers.get("Location", ""))
                message = f"{self.name} has moved to {target}: set its URL anew"
                raise RequestRejectedError(message, wait_s)
            case _:
                raise RequestRejectedError(message, wait_s)

    def _parsed(self, body: bytes, content_type: str) -> Any:  # noqa: ANN401 - any JSON
        try:
            document = json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise BodyRejectedError(
                f"{self.name} sent {self._redact(content_type)} that is not JSON: {error}", body
            ) from error
        try:
            # Cleaned once, here, because it takes 24 ms per megabyte.
            return storable(document)
        except ValueError as error:
            raise BodyRejectedError(
                f"{self.name} sent what cannot be kept: {error}", body
            ) from error


async def send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from resending a request by itself: the budget would not count that call."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


def _validator(value: str | None) -> str | None:
    """Return a validator that can be sent back, which must be ASCII; None for any other."""
    return value if value and value.isascii() else None


def _site_of(location: str) -> str:
    """Return scheme and host of a redirect; its path may hold anything, and its query a key."""
    site = ""
    # A text that is not an address is not repeated.
    with contextlib.suppress(ValueError):
        parts = urlsplit(location)
        site = f"{parts.scheme or 'https'}://{parts.hostname}" if parts.hostname else ""
    return site.encode("ascii", "backslashreplace").decode() or "another path"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def retry_after_of(headers: Mapping[str, str], body: bytes, now: datetime) -> float | None:
    """Return how many seconds an answer asks to wait, in its header (any form) or in its text.

    Args:
        headers: The answer's headers. A date in `Retry-After` is compared with the answer's own
            `Date`, because the upstream's clock and ours may differ.
        body: Searched for "in <n> seconds" when the header says nothing.
        now: Used in place of a missing `Date`.
    """
    asked = headers.get("Retry-After", "").strip()
    in_words = re.search(rb"in (\d{1,6}) second", body)
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", asked):
        return bounded_wait(float(asked))
    if until := _http_date(asked):
        return bounded_wait((until - (_http_date(headers.get("Date", "")) or now)).total_seconds())
    return bounded_wait(float(in_words.group(1))) if in_words else None


def _http_date(value: str) -> datetime | None:
    """Read a date in any of HTTP's three formats; one without a time zone means UTC."""
    try:
        moment = parsedate_to_datetime(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
