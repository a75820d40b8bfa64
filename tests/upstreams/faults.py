"""The ways in which an upstream fails."""

from enum import StrEnum, auto


class Fault(StrEnum):
    """One way to fail; the value is the name in small letters, as the HTTP control takes it."""

    ERROR_500 = auto()
    """Status 500 with a page for people."""
    TOO_MANY_429 = auto()
    """Status 429 that does not say how long to wait."""
    TOO_MANY_429_RETRY_AFTER = auto()
    """Status 429 with `Retry-After` of `retry_after_s` seconds."""
    FORBIDDEN_403 = auto()
    """Status 403 with a page for people: this address is blocked."""
    HTML_200 = auto()
    """A page for people with status 200."""
    ERROR_OBJECT_200 = auto()
    """A JSON object that tells of an error, with status 200."""
    TRUNCATED_JSON = auto()
    """The first half of the right answer, with the length of the half."""
    HUGE_BODY = auto()
    """JSON of `huge_body_bytes` (50 MB), streamed without a length."""
    HUGE_BODY_GZIP = auto()
    """The same, compressed to a thousandth: small on the wire, large when unpacked."""
    HANG = auto()
    """No answer until released, or until the client leaves."""
    SLOW_BODY = auto()
    """Headers at once, then one byte every `slow_interval_s`."""
    RESET = auto()
    """The connection is reset once the request is read."""
    FROZEN = auto()
    """The last good answer again and again, byte by byte."""
    STALE = auto()
    """Answers that move on, but speak of `stale_by_s` ago."""
    MISSING_KEYS = auto()
    """Records without the keys that matter."""
    NULL_VALUES = auto()
    """Records with null under the keys that matter."""
    MILLISECONDS = auto()
    """Milliseconds taken for seconds: a time far in the future and an absurd Julian day."""
    MILES = auto()
    """Miles although kilometres were asked for, and the record says so."""
    MILES_AS_KILOMETERS = auto()
    """Miles in a record that says kilometres."""
    NOT_UPDATED_403 = auto()
    """Prose with status 403: nothing new since the last download (Celestrak)."""
    NOT_UPDATED_200 = auto()
    """The same prose with status 200."""
