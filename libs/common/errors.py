"""The errors that cross module borders; a library's own errors are translated at its edge."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from libs.common.polling.source_state import SourceState
from libs.common.upstream.reasons import plain_reason
from libs.common.waits import bounded_wait


class CassiopeiaError(Exception):
    """Root of every error that the project raises on purpose."""


def expectation(complaint: str) -> str:
    """Return a complaint of pydantic in this project's wording: `expected ...`."""
    words = complaint.removeprefix("Value error, ")
    words = words.replace("Input should be", "expected")
    words = words.replace("Input should", "expected to").replace("String should", "expected to")
    # An abbreviation such as URL stays as it is.
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


class ConfigurationError(CassiopeiaError):
    """A setting is missing or wrong; the message names the variable and what was expected."""


class DependencyUnavailableError(CassiopeiaError):
    """A server that the suite depends on (broker, database) does not answer; retrying helps."""


class LeaseLostError(CassiopeiaError):
    """Another replica may hold the lease by now: stop at once and publish nothing."""


class UpstreamError(CassiopeiaError):
    """An upstream did not give what was asked for.

    The message may contain text of the upstream. It is cleaned here, so that status, log and dead
    letter can repeat it.

    Attributes:
        state: The state of the source while this lasts.
        retryable: Whether the same request may succeed within seconds.
        retry_after_s: Seconds that the upstream asked to wait, a day at most; None where it did
            not say.
        rejects: What was received and became no event, each with its reason; kept as dead letters.
    """

    state: ClassVar[SourceState] = SourceState.FAILING
    retryable: ClassVar[bool] = False
    rejects: Sequence[tuple[bytes, str]] = ()

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(plain_reason(message))
        self.retry_after_s = None if retry_after_s is None else bounded_wait(retry_after_s)


class UnreachableError(UpstreamError):
    """There was no connection: name resolution, the route or TLS failed, or it was reset."""

    retryable = True


class UpstreamTimeoutError(UpstreamError):
    """The upstream took the request and did not finish its answer in time."""

    retryable = True


class ServerFaultError(UpstreamError):
    """The upstream answered 5xx."""

    retryable = True


class RequestRejectedError(UpstreamError):
    """The upstream answered 4xx to a request that should have been right."""


class AccessRefusedError(UpstreamError):
    """The upstream answered 401 or 403: the key is wrong, or this address is blocked."""

    state = SourceState.BLOCKED


class RateLimitedError(UpstreamError):
    """The upstream answered 429, or 503 with a `Retry-After`."""

    state = SourceState.BLOCKED


class BudgetExhaustedError(UpstreamError):
    """Our own count says that the upstream's published limit is reached.

    Attributes:
        wait_s: Seconds until the next call is allowed.
    """

    state = SourceState.BLOCKED

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class NotUpdatedError(UpstreamError):
    """The upstream has nothing newer (a 304, for instance): what it gave before is still valid."""

    state = SourceState.OK


class BodyTooLargeError(UpstreamError):
    """The answer is larger than any plausible one; reading stopped at the limit."""


class BodyRejectedError(UpstreamError):
    """The body is not one that this upstream should send; the whole body becomes a dead letter.

    Attributes:
        body: The bytes as received.
    """

    def __init__(self, message: str, body: bytes) -> None:
        super().__init__(message)
        self.body = body
        self.rejects = ((body, str(self)),)


class StaleContentError(UpstreamError):
    """The answer is well-formed, but describes the past.

    Attributes:
        content_time: The time that the content describes. If the next answer describes the same
            time, the upstream is frozen.
    """

    state = SourceState.STALE

    def __init__(self, message: str, content_time: datetime) -> None:
        super().__init__(message)
        self.content_time = content_time
