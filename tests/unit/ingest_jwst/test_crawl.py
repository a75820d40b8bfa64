"""The crawl reads every release time once, the newest first."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.ingest_jwst.crawl import Crawl, CrawlOptions

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
OPTIONS = CrawlOptions(step=30 * DAY, overlap=3 * DAY, history=100 * DAY)


def test_the_first_look_is_one_step_back() -> None:
    """Nothing is known yet: the newest step comes first, then the older ones up to the horizon."""
    crawl = Crawl().looking(NOW, OPTIONS)
    spans = []
    while True:
        crawl, span = crawl.next_span(NOW, OPTIONS)
        if span is None:
            break
        spans.append((span.since, span.until))
        crawl = crawl.after_page(span, is_last=True, newest=None)
    edges = [NOW, NOW - 30 * DAY, NOW - 60 * DAY, NOW - 90 * DAY, NOW - 100 * DAY]
    assert spans == [(since, until) for until, since in itertools.pairwise(edges)]


def test_a_later_look_begins_before_the_newest_known() -> None:
    """However long nobody looked, what was released meanwhile and a bit more is in the span."""
    crawl = Crawl(newest=NOW - 60 * DAY, oldest=NOW - 100 * DAY).looking(NOW, OPTIONS)
    assert [(span.since, span.until) for span in crawl.pending] == [(NOW - 63 * DAY, NOW)]


def test_a_span_of_many_pages_goes_on_at_the_next_page() -> None:
    """A look that is not over is not begun anew."""
    crawl, span = Crawl().looking(NOW, OPTIONS).next_span(NOW, OPTIONS)
    assert span
    crawl = crawl.after_page(span, is_last=False, newest=NOW)
    crawl = crawl.looking(NOW + DAY, OPTIONS)
    assert [(span.page, span.until) for span in crawl.pending] == [(2, NOW)]


def test_the_newest_go_before_an_unfinished_older_span() -> None:
    """New images do not wait for the history."""
    crawl, _ = Crawl(newest=NOW, oldest=NOW - 30 * DAY).next_span(NOW, OPTIONS)
    crawl = crawl.looking(NOW, OPTIONS)
    assert [span.is_recent for span in crawl.pending] == [True, False]


@given(
    pages=st.lists(st.integers(1, 3), min_size=1, max_size=40),
    per_poll=st.integers(1, 4),
    apart=st.integers(1, 200),
)
def test_no_release_time_is_left_out(pages: list[int], per_poll: int, apart: int) -> None:
    """Whatever the number of pages, and over restarts, what was read is one span without holes."""
    crawl, now, read = Crawl(), NOW, []
    for count in pages:
        crawl = Crawl.model_validate_json(crawl.looking(now, OPTIONS).model_dump_json())
        for _ in range(per_poll):
            crawl, span = crawl.next_span(now, OPTIONS)
            if span is None:
                break
            is_last = span.page >= count
            newest = span.until if is_last else None
            crawl = crawl.after_page(span, is_last=is_last, newest=newest)
            if is_last:
                read.append((span.since, span.until))
        now += apart * DAY
    covered = sorted(read)
    for (_, until), (since, _) in itertools.pairwise(covered):
        assert since <= until


def test_the_state_survives_its_json() -> None:
    """What is kept in the broker is what was meant."""
    crawl = Crawl().looking(NOW, OPTIONS)
    assert Crawl.model_validate_json(crawl.model_dump_json()) == crawl


def test_a_page_that_fails_rests_while_the_others_are_read() -> None:
    """It is asked for again after ever longer times, and told of until its span is read."""
    crawl, span = Crawl(newest=NOW, oldest=NOW - 30 * DAY).next_span(NOW, OPTIONS)
    assert span
    now, rests = NOW, []
    for _ in range(9):
        crawl = crawl.after_failure(span, now, "500")
        _, other = crawl.next_span(now, OPTIONS)
        assert other
        assert other.until == span.since
        assert crawl.trouble
        rest = crawl.rest(now)
        assert rest
        rests.append(rest)
        now += rest
        _, span = crawl.next_span(now, OPTIONS)
        assert span
        assert span.failures
    assert rests == sorted(rests)
    assert rests[0] == timedelta(minutes=5)
    assert rests[-1] == rests[-2] == timedelta(hours=6)
    assert crawl.after_page(span, is_last=True, newest=None).trouble is None


def test_looks_that_fail_do_not_pile_up() -> None:
    """One look for the newest comes after the other; those that failed are one, without a hole."""
    crawl, now = Crawl(newest=NOW, oldest=NOW - 100 * DAY), NOW
    for _ in range(50):
        crawl, span = crawl.looking(now, OPTIONS).next_span(now, OPTIONS)
        assert span
        crawl = crawl.after_page(span, is_last=False, newest=now)
        crawl, span = crawl.next_span(now, OPTIONS)
        assert span
        crawl = crawl.after_failure(span, now, "500")
        now += timedelta(hours=1)
    (failed,) = crawl.pending
    assert (failed.since, failed.until) == (NOW - 3 * DAY, now - timedelta(hours=1))


def test_a_clock_that_was_set_back_makes_no_page_rest_for_ever() -> None:
    """What rests until next year by the old time is asked for now."""
    crawl, span = Crawl(newest=NOW, oldest=NOW - 30 * DAY).next_span(NOW, OPTIONS)
    assert span
    crawl = crawl.after_failure(span, NOW + 365 * DAY, "500")
    _, again = crawl.next_span(NOW, OPTIONS)
    assert again
    assert again.failures == 1
