"""What the limiter says about a request, and how the answer shows it."""

import math
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web

from services.gateway.problems import ProblemError, Slug
from services.gateway.ratelimit.quota import Quota


class Verdict(NamedTuple):
    """Whether a request is admitted.

    Attributes:
        quota: The quota of its client.
        remaining: Tokens that are left.
        full_in_s: The time in which the bucket is full again.
        retry_in_s: The time after which the same request is admitted; 0 when it is.
    """

    quota: Quota
    remaining: int
    full_in_s: float
    retry_in_s: float = 0.0

    @property
    def header(self) -> str:
        """The `RateLimit` header."""
        return f'"burst";r={self.remaining};t={math.ceil(self.full_in_s)}'

    def problem(self) -> ProblemError:
        """Return the answer to a request that is not admitted."""
        seconds = max(1, math.ceil(self.retry_in_s))
        return ProblemError(
            HTTPStatus.TOO_MANY_REQUESTS,
            Slug.TOO_MANY_REQUESTS,
            f"the limit is {self.quota.per_minute} a minute, {self.quota.burst} at once:"
            f" ask again in {seconds} s",
            headers={"Retry-After": str(seconds)},
        )


VERDICT = web.RequestKey("verdict", Verdict)
