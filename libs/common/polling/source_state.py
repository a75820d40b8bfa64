"""The states that a source can be in."""

from enum import StrEnum


class SourceState(StrEnum):
    """The state of a source, seen from its preferred provider."""

    OK = "ok"
    # It answers, with data about the past.
    STALE = "stale"
    # It answers, with the same data again and again.
    FROZEN = "frozen"
    FAILING = "failing"
    # It, or our own count of its limit, refuses us.
    BLOCKED = "blocked"
    NOT_CONFIGURED = "not_configured"
