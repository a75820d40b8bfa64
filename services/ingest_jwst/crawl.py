"""Which release times to read next: the newest first, then further and further back. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.ingest_jwst.normalize import Span


@dataclass(frozen=True, slots=True)
class CrawlOptions:
    """How far back the crawl goes, and how fast.

    Attributes:
        step: Length of one span.
        overlap: How far before the newest known release each new look starts: some releases are
            entered late, and seeing the newest one again shows that the archive is not frozen.
        history: How far back the crawl goes at most.
    """

    step: timedelta
    overlap: timedelta
    history: timedelta


# How long a failed page rests while others are read. MAST's temporary faults last about an hour; a
# page that MAST can never give costs four questions a day in the end.
_FIRST_REST = timedelta(minutes=5)
_LONGEST_REST = timedelta(hours=6)


class PendingSpan(BaseModel):
    """A span that is not yet read to its end, and the page to go on with.

    Attributes:
        since: Start of the span.
        until: End of the span.
        page: The page to go on with.
        is_recent: Whether the span is a look at the newest releases.
        failures: How often one of its pages failed.
        rests_until: When it may be asked for again.
        reason: Why its page failed last.
    """

    model_config = ConfigDict(frozen=True)

    since: AwareDatetime
    until: AwareDatetime
    page: int = 1
    is_recent: bool
    failures: int = 0
    rests_until: AwareDatetime | None = None
    reason: str = ""

    @property
    def span(self) -> Span:
        """The span alone."""
        return Span(self.since, self.until)

    def rests(self, now: datetime) -> bool:
        """Tell whether the span rests now; a clock that was set back does not prolong the rest."""
        return self.rests_until is not None and now < self.rests_until <= now + _LONGEST_REST

    def failed(self, now: datetime, reason: str) -> "PendingSpan":
        """Return the span after its page has failed: it rests, for longer each time."""
        rest = min(_LONGEST_REST, _FIRST_REST * 2 ** min(self.failures, 10))
        return self.model_copy(
            update={"failures": self.failures + 1, "rests_until": now + rest, "reason": reason}
        )


class Crawl(BaseModel):
    """The progress of a crawl.

    Attributes:
        newest: The newest release seen.
        oldest: Older releases were not asked for yet.
        pending: The spans that were begun, the next one first.
    """

    model_config = ConfigDict(frozen=True)

    newest: AwareDatetime | None = None
    oldest: AwareDatetime | None = None
    pending: tuple[PendingSpan, ...] = ()

    def looking(self, now: datetime, options: CrawlOptions) -> "Crawl":
        """Return the crawl with the newest releases in front, unless those are being read.

        A failed look does not keep the next poll from looking again.
        """
        if any(span.is_recent and not span.failures for span in self.pending):
            return self
        since = (min(now, self.newest) - options.overlap) if self.newest else now - options.step
        recent = PendingSpan(since=since, until=now, is_recent=True)
        return self.model_copy(
            update={
                "pending": (recent, *self.pending),
                "oldest": self.oldest or since,
            }
        )

    def next_span(self, now: datetime, options: CrawlOptions) -> tuple["Crawl", PendingSpan | None]:
        """Return the span to read now, with the crawl that includes it; None when all is read."""
        for pending in self.pending:
            if not pending.rests(now):
                return self, pending
        horizon = now - options.history
        if self.oldest is None or self.oldest <= horizon:
            return self, None
        since = max(self.oldest - options.step, horizon)
        older = PendingSpan(since=since, until=self.oldest, is_recent=False)
        return self.model_copy(update={"pending": (*self.pending, older), "oldest": since}), older

    def after_page(self, span: PendingSpan, *, is_last: bool, newest: datetime | None) -> "Crawl":
        """Return the crawl after a page of a pending span.

        Args:
            span: The span.
            is_last: Whether the span has no more pages.
            newest: The newest release on the page; None on a page without any.
        """
        onward = span.model_copy(update={"page": span.page + 1, "rests_until": None})
        rest = () if is_last else (onward,)
        known = [moment for moment in (self.newest, newest) if moment]
        return self.model_copy(
            update={
                "pending": (*rest, *self._without(span)),
                "newest": max(known, default=None),
            }
        )

    def after_failure(self, span: PendingSpan, now: datetime, reason: str) -> "Crawl":
        """Return the crawl after a page of a pending span has failed while others were read.

        Looks that fail one after the other are merged into one: what is read twice costs a
        question, but is not published twice.
        """
        others = self._without(span)
        older = next((each for each in others if each.is_recent and each.failures), None)
        if older and span.is_recent:
            others.remove(older)
            whole = {"since": min(older.since, span.since), "until": max(older.until, span.until)}
            # The older look keeps its rest: the failure of the newer one says nothing new.
            return self.model_copy(
                update={"pending": (*others, older.model_copy(update={**whole, "page": 1}))}
            )
        return self.model_copy(update={"pending": (*others, span.failed(now, reason))})

    @property
    def trouble(self) -> str | None:
        """What cannot be read at present; None when nothing fails."""
        for each in self.pending:
            if each.failures:
                return (
                    f"the releases from {each.since:%Y-%m-%d} to {each.until:%Y-%m-%d} failed"
                    f" {each.failures} times: {each.reason}"
                )
        return None

    def rest(self, now: datetime) -> timedelta | None:
        """Return how long it is until the first resting span may be read; None if none rests."""
        ends = [each.rests_until for each in self.pending if each.rests_until]
        return min(ends) - now if ends else None

    def _without(self, span: PendingSpan) -> list[PendingSpan]:
        return [each for each in self.pending if each != span]
