"""Trouble that is told of once."""

import structlog

from libs.common.logging import get_logger
from libs.common.outage import Outage


def test_an_outage_is_told_of_at_its_begin_and_its_end() -> None:
    """However often it shows meanwhile, and the next one anew."""
    outage = Outage(get_logger("test"), "away", "back")
    with structlog.testing.capture_logs() as log:
        outage.over()
        for reason in ("first", "second"):
            outage.began(reason=reason)
        for _ in range(2):
            outage.over(after_s=2)
        outage.began(reason="third")
    assert log == [
        {"event": "away", "log_level": "warning", "reason": "first"},
        {"event": "back", "log_level": "info", "after_s": 2},
        {"event": "away", "log_level": "warning", "reason": "third"},
    ]


def test_an_end_may_go_untold() -> None:
    """Where what comes next says enough."""
    outage = Outage(get_logger("test"), "away")
    with structlog.testing.capture_logs() as log:
        outage.began()
        outage.over()
        outage.began()
    assert [line["event"] for line in log] == ["away", "away"]
