"""jwstapi.com: single exposures as JPEG; it needs a key, and has no dates."""

from http import HTTPStatus
from typing import NoReturn

from pydantic import BaseModel, ConfigDict, Field

from libs.common.errors import (
    AccessRefusedError,
    BodyRejectedError,
    BudgetExhaustedError,
    RateLimitedError,
    RequestRejectedError,
    ServerFaultError,
    UnreachableError,
    UpstreamError,
    UpstreamTimeoutError,
)
from libs.common.events import Origin, Provenance
from libs.common.logging import get_logger
from libs.common.polling.budget import Limit
from libs.common.polling.providers import Reading, rejects_of
from libs.common.upstream.client import Answer, UpstreamClient
from services.ingest_jwst.normalize import JwstApiPage, jwstapi_image, jwstapi_page
from services.ingest_jwst.progress import Progress
from services.ingest_jwst.providers.pages import Pages

KEY_HEADER = "X-API-KEY"
# The site publishes no limit, and is run by one person: about a sixth of MAST's calls.
LIMITS = (Limit(calls=10, period_s=60.0), Limit(calls=60, period_s=3_600.0))
PAGE_SIZE = 100
PAGES_PER_POLL = 5
# These errors say nothing about the requested page; others may concern that page alone.
_GENERAL = (
    RateLimitedError,
    BudgetExhaustedError,
    UnreachableError,
    UpstreamTimeoutError,
    AccessRefusedError,
)

_log = get_logger(__name__)


class PageProgress(BaseModel):
    """The progress of the crawl.

    Attributes:
        page: The page to go on with; pages are counted from 1.
        failing: Pages that could not be read in this round, and why.
    """

    model_config = ConfigDict(frozen=True)

    page: int = 1
    failing: dict[int, str] = Field(default_factory=dict)


class JwstApi:
    """Images from api.jwstapi.com, page after page; after the last page, the first again."""

    name = "jwstapi.com"
    origin = Origin.LIVE

    def __init__(
        self, client: UpstreamClient, progress: Progress[PageProgress], max_pages: int
    ) -> None:
        self.budget = client.budget
        self._client = client
        self._progress = progress
        self._max_pages = max_pages

    async def poll(self) -> Reading:
        """Return the images of the next pages.

        A page that fails is skipped until the next round, and is the source's trouble until then.
        If no page can be read, the archive has failed.
        """
        progress = await self._progress.load()
        number, failing = progress.page, dict(progress.failing)
        pages = Pages()
        failure: UpstreamError | None = None
        for _ in range(PAGES_PER_POLL):
            is_end = False
            try:
                is_end = await self._read(number, pages)
            except UpstreamError as error:
                if not pages.events and (failure or isinstance(error, _GENERAL)):
                    raise failure or error from None
                # The images of the earlier pages are kept.
                _log.info("crawl_interrupted", provider=self.name, reason=str(error))
                if failure or isinstance(error, _GENERAL):
                    # The next poll starts with this page again.
                    break
                failure = error
                failing[number] = str(error)
                pages.rejects += rejects_of(error)
            else:
                failing.pop(number, None)
            number = 1 if is_end or number >= self._max_pages else number + 1
            if number == 1:
                break
        if failure and not pages.events:
            raise failure
        reached = PageProgress(page=number, failing=failing)
        return Reading(
            pages.events,
            pages.rejects,
            settle=lambda: self._progress.save(reached),
            trouble=self._trouble(failing),
        )

    def _trouble(self, failing: dict[int, str]) -> UpstreamError | None:
        for number, reason in failing.items():
            return UpstreamError(f"{self.name}: page {number} failed: {reason}")
        return None

    async def _read(self, number: int, pages: Pages) -> bool:
        """Read one page; tell whether the catalogue ends before it."""
        answer = await self._client.get_json(
            "/all/type/jpg", {"page": str(number), "perPage": str(PAGE_SIZE)}
        )
        page = answer.read(jwstapi_page)
        if page.status != HTTPStatus.OK:
            await self._raise_for(page)
        if page.error and not page.items:
            raise RequestRejectedError(f"{self.name} says: {page.error}")
        if not page.items and number == 1:
            raise BodyRejectedError(f"{self.name} has not one image", answer.body)
        pages.add(page.items, lambda item: jwstapi_image(item, self._provenance(answer)))
        return not page.items

    def _provenance(self, answer: Answer) -> Provenance:
        return Provenance(self.name, self.origin, answer.fetched_at)

    async def _raise_for(self, page: JwstApiPage) -> NoReturn:
        """Raise the error that the status inside the envelope means; the HTTP status was 200."""
        message = f"{self.name} answered {page.status}: {page.error}"
        match page.status:
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                raise AccessRefusedError(f"{message}; check CASSIOPEIA_JWSTAPI_KEY")
            case HTTPStatus.TOO_MANY_REQUESTS:
                await self.budget.block(None)
                raise RateLimitedError(message)
            case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise ServerFaultError(message)
            case _:
                raise RequestRejectedError(message)
