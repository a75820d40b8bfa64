"""The status of a source, as it must be shown when nobody keeps it true."""

from datetime import datetime, timedelta

from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import (
    LONGEST_POLL,
    POLL_GRACE,
    Attempt,
    SourceStatus,
    status_after,
)
from tests.factories import START

STATUS = SourceStatus(
    name="iss",
    state=SourceState.OK,
    since=START,
    provider="wheretheiss.at",
    origin="live",
    last_attempt=START,
    last_success=START,
    last_live=START,
    content_time=START,
    next_poll=START + timedelta(seconds=5),
)


def test_a_status_holds_until_the_next_poll_is_overdue() -> None:
    """Up to the grace after the next poll, the status is shown as it was written."""
    assert STATUS.as_of(STATUS.next_poll + POLL_GRACE, is_led=False) == STATUS


def test_a_status_that_nobody_keeps_true_is_failing() -> None:
    """When no process polls any more, `ok` is not shown; what is known stays."""
    late = STATUS.next_poll + POLL_GRACE + timedelta(seconds=1)
    shown = STATUS.as_of(late, is_led=False)
    assert shown.state is SourceState.FAILING
    assert shown.reason == "no process has polled it since 2026-03-01T12:00:00Z"
    assert shown.since == STATUS.next_poll
    assert (shown.provider, shown.content_time) == (STATUS.provider, STATUS.content_time)


def test_a_poll_under_way_is_no_silence() -> None:
    """Who holds the lease polls, for minutes where an upstream takes as long, but not for ever."""
    assert STATUS.as_of(STATUS.next_poll + LONGEST_POLL, is_led=True) == STATUS
    over = STATUS.next_poll + LONGEST_POLL + timedelta(seconds=1)
    assert STATUS.as_of(over, is_led=True).state is SourceState.FAILING


def content_of(*times: datetime | None) -> SourceStatus:
    """Return the status after polls that brought data of these times."""
    status = None
    for time in times:
        attempt = Attempt(
            source="jwst",
            began=START,
            due=START,
            provider="mast",
            origin="live",
            preferred=True,
            trouble=None,
            state=SourceState.OK,
            content_time=time,
            failures=0,
            calls_left=None,
        )
        status = status_after(status, attempt, frozen_after=timedelta(days=30))
    assert status is not None
    return status


def test_older_data_make_nothing_older() -> None:
    """A crawl goes back in time; the newest that is known stays the newest."""
    status = content_of(START, START - timedelta(days=300), None)
    assert (status.state, status.content_time) == (SourceState.OK, START)


def test_data_that_lie_ahead_hold_until_the_next() -> None:
    """A clock that was wrong once must not hide for ever that nothing new comes."""
    old = START - timedelta(days=31)
    status = content_of(START + timedelta(days=9), old)
    assert (status.state, status.content_time) == (SourceState.FROZEN, old)


def test_a_status_survives_the_broker() -> None:
    """What is written as JSON is read as the same status."""
    assert SourceStatus.model_validate_json(STATUS.model_dump_json()) == STATUS
