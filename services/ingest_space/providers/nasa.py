"""api.nasa.gov: one key, one budget and one form of errors for all APIs behind it."""

from collections.abc import Mapping
from typing import ClassVar

from libs.common.errors import (
    AccessRefusedError,
    BodyRejectedError,
    RateLimitedError,
    UpstreamError,
)
from libs.common.polling.budget import Budget, Limit
from libs.common.upstream.client import Answer, UpstreamClient
from services.ingest_space.normalize import error_code

# The published limits: per rolling hour for a key; per address, hour and day for DEMO_KEY.
KEY_LIMITS = (Limit(calls=1_000, period_s=3_600.0),)
DEMO_LIMITS = (Limit(calls=30, period_s=3_600.0), Limit(calls=50, period_s=86_400.0))


class NasaBudget(Budget):
    """The calls of one key.

    NASA's gateway says how many calls are left, but not when there will be more: after zero, the
    rolling hour has to pass. Its real limits may be below the published ones.
    """

    unsaid_s: ClassVar[float] = 3_600.0


class NasaApi:
    """What the four sources of api.nasa.gov share; the key is in a header of the client."""

    name = "api.nasa.gov"

    def __init__(self, client: UpstreamClient) -> None:
        self.budget = client.budget
        self._client = client

    async def get(self, path: str, params: Mapping[str, str]) -> Answer:
        """GET a document that is not an error of the gateway.

        Raises:
            UpstreamError: The subclass says what went wrong.
        """
        answer = await self._client.get_json(path, params)
        error = _error_in(answer)
        if isinstance(error, RateLimitedError):
            await self.budget.block(None)
        if error:
            raise error
        return answer


def _error_in(answer: Answer) -> UpstreamError | None:
    """Return the error that the gateway sometimes sends with status 200."""
    code = error_code(answer.document)
    if not code:
        return None
    message = f"{NasaApi.name} answered 200 with the error {code:.60}"
    if code == "OVER_RATE_LIMIT":
        return RateLimitedError(message)
    if code.startswith("API_KEY_"):
        return AccessRefusedError(message)
    return BodyRejectedError(message, answer.body)
