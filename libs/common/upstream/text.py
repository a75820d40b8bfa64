"""Text from upstreams is data: markup goes, links are kept only when they lead to the web."""

import re
from html import unescape
from unicodedata import category
from urllib.parse import quote, unquote_plus, urlsplit, urlunsplit

# What separates words when it is taken out; other elements stand inside of words.
_BREAKING = {"p", "br", "li", "ul", "ol", "div", "tr", "td", "th", "h1", "h2", "h3", "h4", "hr"}
_SILENT = {"script", "style", "template", "head"}
# Nothing in these is markup before their own end.
_RAW = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE | re.ASCII)
    for name in ("script", "style")
}
# A `<` outside of quotes ends the search for a tag's end, and quotes count everywhere. So at most
# three searches that began at different tags pass over any one character (outside of quotes,
# within single and within double ones), and what no tag's end follows costs no more than that.
# A tag whose quotes do not fit ends at its first `>`.
_TAG = re.compile(
    r"""<(?P<end>/?)(?P<name>[a-zA-Z][^\s/<>"']*+)(?:(?:[^<>"']++|"[^"]*+"|'[^']*+')*+>|[^<>]*+>)"""
)
_START = re.compile(r"<(?=[a-zA-Z/!?])")
_DECLARATION = re.compile(r"<(?:[!?]|/(?![a-zA-Z]))[^<>]*+>")
_COMMENT, _COMMENT_END = "<!--", "-->"
_ANY_TAG = re.compile(r"</?[a-zA-Z][^<>]*+>")
# What a browser would take for the begin of markup.
_OPENING = re.compile(r"<(?=/?[a-zA-Z]|!--)")
# Markup within markup within markup: what is left after that is made harmless.
_MAX_ROUNDS = 5
# No character has such a number, and Python refuses to read one of thousands of digits.
_HUGE_REFERENCE = re.compile(r"&#(?:[0-9]{8,}+|[xX][0-9a-fA-F]{8,}+);?")
# They join or part the letters of some scripts, and hyphenate.
_FORMATS_THAT_STAY = frozenset("\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}\N{SOFT HYPHEN}")

_KEY_PARAMETERS = {
    "access_token",
    "api_key",
    "apikey",
    "key",
    "password",
    "sig",
    "signature",
    "token",
}
_BETWEEN_PARAMETERS = re.compile(r"([&;?])")
MAX_LINK_LENGTH = 2_000
# RFC 3986: what separates parts of an address, and what is already percent-encoded.
_STAYS_IN_LINKS = "%/?#[]@:!$&'()*+,;=~"


def plain_text(value: str) -> str:
    """Return a text without markup, entities and invisible characters, white space folded.

    Entities are resolved once. Tags that come out of them go, too: `&lt;script&gt;` is no more
    wanted than `<script>`. A `<` that could still open one is set apart by a space. Control
    characters separate words; marks of direction and the like go without a trace. The work grows
    with the length of the text, whatever stands in it.
    """
    text = _visible(_without_markup(value, references=True))
    for _ in range(_MAX_ROUNDS):
        if not _ANY_TAG.search(text):
            break
        text = _without_markup(text, references=False)
    return _OPENING.sub("< ", " ".join(text.split()))


def _without_markup(value: str, *, references: bool) -> str:
    """Take out tags, comments and declarations; what is left open is text."""
    parts: list[str] = []
    begin = follows = depth = 0
    # Behind the last one, no comment ends.
    last_comment_end = value.rfind(_COMMENT_END)
    while start := _START.search(value, follows):
        at, was_silent = start.start(), depth > 0
        gap = ""
        if tag := _TAG.match(value, at):
            gap = " " if tag["name"].lower() in _BREAKING else ""
            depth = _depth_after(tag, depth)
            follows = _after(tag)
        else:
            follows = _after_no_tag(value, at, last_comment_end)
        if follows > at + 1:
            if not was_silent:
                parts.append(_resolved(value[begin:at], references=references))
            parts.append(gap)
            begin = follows
    if not depth:
        parts.append(_resolved(value[begin:], references=references))
    return "".join(parts)


def _depth_after(tag: re.Match[str], depth: int) -> int:
    """Return how many elements are open within which nothing is text."""
    if tag["name"].lower() not in _SILENT:
        return depth
    if tag["end"]:
        return max(0, depth - 1)
    return depth if tag[0].endswith("/>") else depth + 1


def _after(tag: re.Match[str]) -> int:
    """Return where to look on: behind a tag, or at the end of what has none inside."""
    raw = _RAW.get(tag["name"].lower())
    if raw is None or tag["end"] or tag[0].endswith("/>"):
        return tag.end()
    end = raw.search(tag.string, tag.end())
    return end.start() if end else len(tag.string)


def _after_no_tag(value: str, at: int, last_comment_end: int) -> int:
    """Return where a comment or a declaration ends; for a mere `<`, the next character."""
    inside = at + len(_COMMENT)
    if value.startswith(_COMMENT, at) and inside <= last_comment_end:
        return value.find(_COMMENT_END, inside) + len(_COMMENT_END)
    declaration = _DECLARATION.match(value, at)
    return declaration.end() if declaration else at + 1


def _resolved(text: str, *, references: bool) -> str:
    if not references or "&" not in text:
        return text
    return unescape(_HUGE_REFERENCE.sub("\N{REPLACEMENT CHARACTER}", text))


def _visible(text: str) -> str:
    """Replace control characters by spaces, and take out what only formats."""
    unseen = {
        ord(character): " " if kind == "Cc" else None
        for character in set(text)
        if (kind := category(character)) in {"Cc", "Cf"} and character not in _FORMATS_THAT_STAY
    }
    return text.translate(unseen) if unseen else text


def web_link(value: object) -> str | None:
    """Return an http(s) link in ASCII without credentials and keys; None for everything else.

    A link without a scheme (`//host/path`) is taken as https. What no address may hold is
    percent-encoded; a host that is not ASCII is none, because it may look like another one.
    """
    if not isinstance(value, str) or len(value) > MAX_LINK_LENGTH:
        return None
    candidate = value.strip()
    if candidate.startswith("//"):
        candidate = f"https:{candidate}"
    try:
        parts = urlsplit(candidate)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        return None
    if re.search(r"[\x00-\x20\x7f\\]", candidate) or not parts.netloc.isascii():
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path, query, fragment = (
        quote(part, safe=_STAYS_IN_LINKS, errors="replace")
        for part in (parts.path, _without_keys(parts.query), _without_keys(parts.fragment))
    )
    link = urlunsplit((parts.scheme.lower(), host + port, path, query, fragment))
    return link if len(link) <= MAX_LINK_LENGTH else None


def _without_keys(parameters: str) -> str:
    """Take `name=value` out where the name is that of a key; what stays, stays as written."""
    first, *pieces = _BETWEEN_PARAMETERS.split(parameters)
    kept = "" if _is_key(first) else first
    for separator, piece in zip(pieces[::2], pieces[1::2], strict=True):
        if not _is_key(piece):
            kept += separator + piece if kept else piece
    return kept


def _is_key(parameter: str) -> bool:
    return unquote_plus(parameter.partition("=")[0]).strip().lower() in _KEY_PARAMETERS
