"""Why something failed, in words that may stand in a status, a log line and a dead letter."""

from libs.common.upstream.text import plain_text

# One sentence; what is longer is somebody's page.
MAX_REASON_LENGTH = 300
# Markup takes more room than what it says.
_MAX_READ = 2_000


def plain_reason(text: str) -> str:
    """Return a reason without markup and without what cannot be printed, cut at 300 characters.

    Half of every reason is the text of an upstream. What is no character (a lone surrogate) goes
    too, so that the rest can be written anywhere.
    """
    printable = "".join(each if each.isprintable() else " " for each in text[:_MAX_READ])
    plain = plain_text(printable)
    if len(plain) > MAX_REASON_LENGTH:
        plain = f"{plain[: MAX_REASON_LENGTH - 1]}\u2026"
    # What an entity stood for may be no character again.
    return "".join(each if each.isprintable() else " " for each in plain)
