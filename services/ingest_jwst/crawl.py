"""Which release times are read next: the newest first, then further and further back. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.ingest_jwst.normalize import Span


@dataclass(frozen=True, slots=True)
class CrawlOptions:
    """How far and how fast.

    Attributes:
        step: Length of one span.
        overlap: How far before the newest release known a new look begins: releases are entered
            late, and the newest one must be seen again to know that the archive is not frozen.
        history: How far back at most.
    """

    step: timedelta
    overlap: timedelta
    history: timedelta


class PendingSpan(BaseModel):
    """A span that is not read to its end, and the page to go on with."""

    model_config = ConfigDict(frozen=True)

    since: AwareDatetime
    until: AwareDatetime
    page: int = 1
    is_recent: bool

    @property
    def span(self) -> Span:
        """The span alone."""
        return Span(self.since, self.until)


class Crawl(BaseModel):
    """Where a crawl stands.

    Attributes:
        newest: The newest release seen.
        oldest: What is older was not looked at yet.
        pending: What was begun, the next first.
    """

    model_config = ConfigDict(frozen=True)

    newest: AwareDatetime | None = None
    oldest: AwareDatetime | None = None
    pending: tuple[PendingSpan, ...] = ()

    def looking(self, now: datetime, options: CrawlOptions) -> "Crawl":
        """Return the crawl with the newest releases in front, unless those are being read."""
        if any(span.is_recent for span in self.pending):
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
        """Return what to read now, and the crawl that knows of it; None when all is read."""
        if self.pending:
            return self, self.pending[0]
        horizon = now - options.history
        if self.oldest is None or self.oldest <= horizon:
            return self, None
        since = max(self.oldest - options.step, horizon)
        older = PendingSpan(since=since, until=self.oldest, is_recent=False)
        return self.model_copy(update={"pending": (older,), "oldest": since}), older

    def after_page(self, *, is_last: bool, newest: datetime | None) -> "Crawl":
        """Return the crawl after a page of the first pending span.

        Args:
            is_last: Whether the span has no more pages.
            newest: The newest release on the page; None on a page without any.
        """
        first, *others = self.pending
        rest = [] if is_last else [first.model_copy(update={"page": first.page + 1})]
        known = [moment for moment in (self.newest, newest) if moment]
        return self.model_copy(
            update={"pending": (*rest, *others), "newest": max(known, default=None)}
        )
