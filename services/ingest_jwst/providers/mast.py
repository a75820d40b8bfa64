"""MAST, the archive itself: public combined images by their time of release, without a key."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.common.clock import Clock
from libs.common.errors import (
    AccessRefusedError,
    BudgetExhaustedError,
    RateLimitedError,
    RequestRejectedError,
    UnreachableError,
    UpstreamError,
    UpstreamTimeoutError,
)
from libs.common.events import JwstImageEvent, Origin, Provenance
from libs.common.logging import get_logger
from libs.common.polling.budget import Limit
from libs.common.polling.providers import Reading, rejects_of
from libs.common.upstream.client import Answer, UpstreamClient
from services.ingest_jwst.crawl import Crawl, CrawlOptions, PendingSpan
from services.ingest_jwst.normalize import (
    COMBINED,
    PRODUCT_TYPES,
    MastPage,
    Span,
    is_public,
    is_wanted,
    mast_page,
    released_image,
    to_mjd,
)
from services.ingest_jwst.progress import Progress
from services.ingest_jwst.providers.pages import Pages

# MAST publishes no limit; this is about what one careful person makes by hand.
LIMITS = (Limit(calls=60, period_s=60.0), Limit(calls=400, period_s=3_600.0))
# These errors say nothing about the requested page.
_LIMITED = (RateLimitedError, BudgetExhaustedError)
# If nothing was read yet, these errors mean that MAST is away, and the next page is not asked for.
_AWAY = (*_LIMITED, UnreachableError, UpstreamTimeoutError, AccessRefusedError)

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MastOptions:
    """The bounds of one poll.

    Attributes:
        crawl: How far and how fast the crawl goes back.
        every: Period of the source; the newest releases do not wait for a page that rests longer.
        page_size: Rows per page; without a size, MAST silently cuts at 50,000.
        pages_per_poll: Pages per poll at most. 1,000 images take 11 MB while they are published.
        pause: Time to the next poll while older releases are still to be read: a year is read in a
            few minutes, at 24 of the 60 calls a minute.
        repeats: How often a question is repeated that MAST is still working on.
        repeat_s: Pause before the first repetition; each pause is half as long again.
    """

    crawl: CrawlOptions
    every: timedelta = timedelta(hours=1)
    page_size: int = 250
    pages_per_poll: int = 4
    pause: timedelta = timedelta(seconds=10)
    repeats: int = 6
    repeat_s: float = 2.0


class Mast:
    """Images from mast.stsci.edu."""

    name = "mast"
    origin = Origin.LIVE

    def __init__(
        self,
        client: UpstreamClient,
        progress: Progress[Crawl],
        options: MastOptions,
        clock: Clock,
    ) -> None:
        self.budget = client.budget
        self._client = client
        self._progress = progress
        self._options = options
        self._clock = clock

    async def poll(self) -> Reading:
        """Return the images released last, and then some of the older ones.

        A page that fails rests while others are read, and is the source's trouble until it is
        read. If no page can be read, MAST has failed.
        """
        now = self._clock.now()
        options = self._options
        crawl = (await self._progress.load()).looking(now, options.crawl)
        pages, read = Pages(), 0
        failure: UpstreamError | None = None
        for _ in range(options.pages_per_poll):
            crawl, span = crawl.next_span(now, options.crawl)
            if span is None:
                break
            try:
                events, is_last = await self._read(span, pages)
            except UpstreamError as error:
                if not read and (failure or isinstance(error, _AWAY)):
                    raise failure or error from None
                # What was read is kept; the next poll goes on from here.
                _log.info("crawl_interrupted", provider=self.name, reason=str(error))
                if isinstance(error, _LIMITED):
                    break
                failure = error
                crawl = crawl.after_failure(span, now, str(error))
                pages.rejects += rejects_of(error)
                if read:
                    break
                continue
            read += 1
            newest = max((event.time for event in events), default=None)
            crawl = crawl.after_page(span, is_last=is_last, newest=newest)
        if failure and not read:
            raise failure
        reached = crawl
        is_more = crawl.next_span(now, options.crawl)[1] is not None
        return Reading(
            pages.events,
            pages.rejects,
            more_in=options.pause if is_more else self._rest(crawl, now),
            settle=lambda: self._progress.save(reached),
            trouble=UpstreamError(f"{self.name}: {crawl.trouble}") if crawl.trouble else None,
        )

    def _rest(self, crawl: Crawl, now: datetime) -> timedelta | None:
        rest = crawl.rest(now)
        return None if rest is None or rest >= self._options.every else rest

    async def _read(
        self, pending: PendingSpan, pages: Pages
    ) -> tuple[Sequence[JwstImageEvent], bool]:
        span = pending.span
        answer, page = await self._ask(
            query(span, page=pending.page, page_size=self._options.page_size), pending.page
        )
        wanted = [row for row in page.rows if is_wanted(row, span)]
        if page.rows and not wanted:
            raise RequestRejectedError(
                f"mast ignored what was asked: none of {len(page.rows)} rows is a JWST image"
                f" released between {span.since:%Y-%m-%d} and {span.until:%Y-%m-%d}"
            )
        provenance = Provenance(self.name, self.origin, answer.fetched_at)
        events = pages.add(
            (row for row in wanted if not isinstance(row, Mapping) or is_public(row)),
            lambda row: released_image(row, provenance),
        )
        return events, page.is_last

    async def _ask(self, request: Mapping[str, object], number: int) -> tuple[Answer, MastPage]:
        """Ask, and repeat the question while MAST says that it is still executing it."""
        form = {"request": json.dumps(request, separators=(",", ":"))}
        pause_s = self._options.repeat_s
        for repeated in range(self._options.repeats + 1):
            if repeated:
                await asyncio.sleep(pause_s)
                pause_s *= 1.5
            answer = await self._client.post_form("/api/v0/invoke", form)
            page = answer.read(
                lambda body: mast_page(body, page=number, page_size=self._options.page_size)
            )
            if page.status == "ERROR":
                raise RequestRejectedError(f"mast refused the question: {page.message}")
            if page.status == "COMPLETE":
                return answer, page
        raise UpstreamTimeoutError(
            f"mast was still executing the question after {self._options.repeats} repetitions"
        )


def query(span: Span, *, page: int, page_size: int) -> dict[str, object]:
    """Return the request for the public images released in a span."""
    filters: dict[str, Sequence[object]] = {
        "obs_collection": ["JWST"],
        "dataproduct_type": list(PRODUCT_TYPES),
        "calib_level": [COMBINED],
        "dataRights": ["PUBLIC"],
        "t_obs_release": [{"min": to_mjd(span.since), "max": to_mjd(span.until)}],
    }
    return {
        "service": "Mast.Caom.Filtered",
        "format": "json",
        "params": {
            "columns": "*",
            "filters": [{"paramName": name, "values": values} for name, values in filters.items()],
        },
        "pagesize": page_size,
        "page": page,
        "removenullcolumns": True,
    }
