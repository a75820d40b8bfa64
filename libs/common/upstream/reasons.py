"""Why something failed, in words that may stand in a status, a log line and a dead letter."""

from libs.common.upstream.text import plain_text

# Enough for one sentence; a longer text is usually an upstream's error page.
MAX_REASON_LENGTH = 300
# Larger than the reason itself, because markup is longer than the text that it contains.
_MAX_READ = 2_000


def plain_reason(text: str) -> str:
    """Return a reason without markup and without what cannot be printed, cut at 300 characters.

    Half of every reason is text of an upstream. Lone surrogates are removed too, so that the rest
    can be written anywhere.
    """
    printable = "".join(each if each.isprintable() else " " for each in text[:_MAX_READ])
    plain = plain_text(printable)
    if len(plain) > MAX_REASON_LENGTH:
        plain = f"{plain[: MAX_REASON_LENGTH - 1]}\u2026"
    # Resolving the entities may have brought unprintable characters back.
    return "".join(each if each.isprintable() else " " for each in plain)
