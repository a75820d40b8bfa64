"""The catalogue in parts: the listing, the pages of the search, then the studies, a few at a time.

Each part is published and the progress saved before the next one is asked for. So memory holds only
one part, and a restart loses at most one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from libs.common.clock import Clock
from libs.common.errors import (
    AccessRefusedError,
    BudgetExhaustedError,
    NotUpdatedError,
    RateLimitedError,
    UnreachableError,
    UpstreamError,
)
from libs.common.events import Origin, OsdrDatasetEvent, Provenance
from libs.common.logging import get_logger
from libs.common.polling.providers import Reading, Reject, rejects_of
from services.ingest_osdr.crawl import Crawl, Known, Progress, Queued, Seen
from services.ingest_osdr.normalize import dataset_event, read_listing, read_search_page
from services.ingest_osdr.paging import Cursor, next_cursor
from services.ingest_osdr.providers.biodata import Biodata
from services.ingest_osdr.providers.study_search import StudySearch

_log = get_logger(__name__)

# Parallel requests, at most.
CONCURRENCY = 4
# Studies in one part: twice the parallel requests, so that one slow answer holds up only a few.
PART = 8
# After this, a part starts no further request, so that a slow upstream's answers get published.
PART_S = 5.0
# These errors say something about the upstream, not about the requested study.
_UPSTREAM_WIDE = (UnreachableError, RateLimitedError, AccessRefusedError, BudgetExhaustedError)


@dataclass(frozen=True, slots=True)
class _Answered:
    """How the request for one study ended.

    An error alone means that it failed; `seen` without an event, that the study is unchanged.
    """

    queued: Queued
    seen: Seen | None = None
    event: OsdrDatasetEvent | None = None
    error: UpstreamError | None = None


class Osdr:
    """Datasets from NASA's repository."""

    name = "osdr"
    origin = Origin.LIVE

    def __init__(
        self,
        biodata: Biodata,
        search: StudySearch,
        crawl: Crawl,
        *,
        pause: timedelta,
        clock: Clock,
    ) -> None:
        self.budget = biodata.budget
        self._biodata = biodata
        self._search = search
        self._crawl = crawl
        self._pause = pause
        self._clock = clock

    async def poll(self) -> Reading:
        """Return the next part of the crawl; start a crawl if there is none.

        A failed search is the source's trouble until a search finishes.
        """
        trouble = await self._crawl.search_trouble()
        reading = await self._next_part()
        if trouble and reading.trouble is None:
            return replace(reading, trouble=UpstreamError(trouble))
        return reading

    async def _next_part(self) -> Reading:
        progress = await self._crawl.load()
        if progress is None:
            return await self._list_studies()
        if progress.search is not None:
            return await self._search_page(progress, progress.search)
        studies = await self._crawl.next_studies(PART)
        if not studies:
            return self._finished(progress)
        return await self._read_studies(progress, studies)

    async def _list_studies(self) -> Reading:
        answer = await self._biodata.listing()
        listing = answer.read(read_listing)
        settle = partial(self._crawl.begin, listing.accessions, answer.fetched_at)
        rejects = [Reject(*each) for each in listing.rejects]
        return Reading((), rejects, self._pause, settle)

    async def _search_page(self, progress: Progress, cursor: Cursor) -> Reading:
        """Take a page of facts; if the search fails, those of the last crawl are merged."""
        try:
            answer = await self._search.page(cursor.position)
            page = answer.read(read_search_page)
        except UpstreamError as error:
            trouble = UpstreamError(f"the study search failed: {error}")
            settle = partial(self._crawl.search_failed, progress, str(trouble))
            return Reading((), rejects_of(error), self._pause, settle, trouble)
        listed = await self._crawl.waiting()
        facts = {name: said for name, said in page.facts.items() if name in listed}
        after = next_cursor(cursor, page.ids, page.total)
        settle = partial(self._crawl.searched, progress, facts, after)
        rejects = [Reject(*each) for each in page.rejects]
        return Reading((), rejects, self._pause, settle)

    async def _read_studies(self, progress: Progress, studies: Sequence[Known]) -> Reading:
        answers = await self._ask(studies)
        failed = [answer for answer in answers if answer.error]
        own = [answer for answer in failed if not isinstance(answer.error, _UPSTREAM_WIDE)]
        seen = {answer.queued: answer.seen for answer in answers if answer.seen}
        settle = partial(self._crawl.done, progress, seen, [answer.queued for answer in own])
        if not seen:
            await self._raise_if_general(failed, settle)
        return Reading(
            [answer.event for answer in answers if answer.event],
            [Reject(*each) for each in _rejects(failed)],
            self._pause,
            settle,
        )

    async def _raise_if_general(
        self, failed: Sequence[_Answered], settle: Callable[[], Awaitable[None]]
    ) -> None:
        """Raise, as no study succeeded, unless all failures are repeated and the studies' own."""
        for answer in failed:
            if answer.error and (
                isinstance(answer.error, _UPSTREAM_WIDE) or answer.queued.failures == 0
            ):
                # The failures are saved, so that a study that always fails cannot hold up the
                # crawl.
                await settle()
                # When the whole part fails, the rejected bodies of all its studies are kept.
                answer.error.rejects = _rejects(failed)
                raise answer.error

    def _finished(self, progress: Progress) -> Reading:
        _log.info(
            "osdr_crawl_finished",
            studies=progress.studies,
            given_up=progress.given_up,
            duration_s=round((self._clock.now() - progress.began).total_seconds()),
        )
        return Reading((), settle=self._crawl.finish)

    async def _ask(self, studies: Sequence[Known]) -> list[_Answered]:
        """Ask for studies, a pause apart; start no more when the upstream as a whole fails."""
        until = self._clock.monotonic() + PART_S
        gate = asyncio.Semaphore(CONCURRENCY)
        answers: list[_Answered] = []

        async def ask(study: Known) -> None:
            try:
                answers.append(await self._ask_for(study))
            finally:
                gate.release()

        try:
            async with asyncio.TaskGroup() as group:
                for index, study in enumerate(studies):
                    if index:
                        await asyncio.sleep(self._pause.total_seconds())
                    await gate.acquire()
                    broken = any(isinstance(answer.error, _UPSTREAM_WIDE) for answer in answers)
                    if broken or self._clock.monotonic() > until:
                        break
                    group.create_task(ask(study))
        except BaseExceptionGroup as errors:
            # For example the error of a broker that is away, which the poller must see unwrapped.
            raise errors.exceptions[0] from None
        return answers

    async def _ask_for(self, study: Known) -> _Answered:
        queued = study.queued
        try:
            answer = await self._biodata.detail(queued.accession, study.validators)
            provenance = Provenance(self.name, self.origin, answer.fetched_at)
            event = answer.read(
                lambda body: dataset_event(
                    queued.accession, body, study.facts, provenance, url=answer.url
                )
            )
        except NotUpdatedError:
            return _Answered(queued, seen=study.seen or Seen(facts=study.facts_digest))
        except UpstreamError as error:
            return _Answered(queued, error=error)
        seen = Seen(
            etag=answer.validators.etag,
            last_modified=answer.validators.last_modified,
            facts=study.facts_digest,
        )
        return _Answered(queued, seen=seen, event=event)


def _rejects(failed: Sequence[_Answered]) -> list[tuple[bytes, str]]:
    return [each for answer in failed if answer.error for each in answer.error.rejects]
