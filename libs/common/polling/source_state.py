"""The states that a source can be in."""

from enum import StrEnum


class SourceState(StrEnum):
    """The state of a source, seen from its preferred provider."""

    OK = "ok"
    # The provider answers, but with data about the past.
    STALE = "stale"
    # The provider answers, but with the same data again and again.
    FROZEN = "frozen"
    FAILING = "failing"
    # The provider refuses our calls, or its limit is used up by our own count.
    BLOCKED = "blocked"
    NOT_CONFIGURED = "not_configured"
