"""The catalogue in parts: the listing, the pages of the search, then the studies, a few at a time.

Each part is published, and the progress written, before the next is asked for: memory holds one
part, and a restart loses at most that.
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

# Requests under way together, at most.
CONCURRENCY = 4
# Studies in one part: twice what is under way together, so that one slow answer holds up few.
PART = 8
# No further request begins after this: what a slow upstream gives is published all the same.
PART_S = 5.0
# These say something about the upstream, not about the study that was asked for.
_UPSTREAM_WIDE = (UnreachableError, RateLimitedError, AccessRefusedError, BudgetExhaustedError)


@dataclass(frozen=True, slots=True)
class _Answered:
    """How the request for one study ended: one of the three is set, or none where it is known."""

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
        """Return the next part of the crawl; without one, begin it.

        A search that failed is the source's trouble until one comes to its end.
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
        """Take a page of facts; without the search, those of the last crawl are merged."""
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
        """Raise where nothing succeeded, unless only studies are left that failed before."""
        for answer in failed:
            if answer.error and (
                isinstance(answer.error, _UPSTREAM_WIDE) or answer.queued.failures == 0
            ):
                # The failures count, so that a study that always fails cannot hold up the crawl.
                await settle()
                # A part that fails as a whole is no reason to look at one body of it only.
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
        """Ask for studies, a pause apart; stop beginning when the upstream as a whole fails."""
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
            # Such as that of a broker that is away, which the poller knows by its own class.
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
