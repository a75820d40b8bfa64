"""The status of a source, as it must be shown when nobody keeps it true."""

from datetime import timedelta

from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import POLL_GRACE, SourceStatus
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
    assert STATUS.as_of(STATUS.next_poll + POLL_GRACE) == STATUS


def test_a_status_that_nobody_keeps_true_is_failing() -> None:
    """When no process polls any more, `ok` is not shown; what is known stays."""
    shown = STATUS.as_of(STATUS.next_poll + POLL_GRACE + timedelta(seconds=1))
    assert shown.state is SourceState.FAILING
    assert shown.reason == "no process has polled it since 2026-03-01T12:00:00Z"
    assert shown.since == STATUS.next_poll
    assert (shown.provider, shown.content_time) == (STATUS.provider, STATUS.content_time)


def test_a_status_survives_the_broker() -> None:
    """What is written as JSON is read as the same status."""
    assert SourceStatus.model_validate_json(STATUS.model_dump_json()) == STATUS
