"""Text from upstreams is data: markup is removed, and only http(s) links are kept."""

import re
from html import unescape
from unicodedata import category
from urllib.parse import quote, unquote_plus, urlsplit, urlunsplit

# These separate words, so a space replaces them; other elements may stand inside a word.
_BREAKING = {"p", "br", "li", "ul", "ol", "div", "tr", "td", "th", "h1", "h2", "h3", "h4", "hr"}
_SILENT = {"script", "style", "template", "head"}
# Inside these elements, nothing is markup until their own end tag.
_RAW = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE | re.ASCII)
    for name in ("script", "style")
}
# The search for a tag's end stops at a `<` outside quotes, and quotes count everywhere. So at most
# three searches that start at different tags pass over the same character (outside quotes, within
# single quotes, within double quotes), and unclosed tags cost no more than that. A tag whose quotes
# do not match ends at its first `>`.
_TAG = re.compile(
    r"""<(?P<end>/?)(?P<name>[a-zA-Z][^\s/<>"']*+)(?:(?:[^<>"']++|"[^"]*+"|'[^']*+')*+>|[^<>]*+>)"""
)
_START = re.compile(r"<(?=[a-zA-Z/!?])")
_DECLARATION = re.compile(r"<(?:[!?]|/(?![a-zA-Z]))[^<>]*+>")
_COMMENT, _COMMENT_END = "<!--", "-->"
_ANY_TAG = re.compile(r"</?[a-zA-Z][^<>]*+>")
# What a browser would take for the start of markup.
_OPENING = re.compile(r"<(?=/?[a-zA-Z]|!--)")
# For markup nested in markup; what is left after these rounds is made harmless with a space.
_MAX_ROUNDS = 5
# No character has such a number, and Python refuses to parse numbers of thousands of digits.
_HUGE_REFERENCE = re.compile(r"&#(?:[0-9]{8,}+|[xX][0-9a-fA-F]{8,}+);?")
# Some scripts need them to join or separate letters, or to hyphenate.
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
# RFC 3986: the separators within an address, and `%`, which starts what is already encoded.
_STAYS_IN_LINKS = "%/?#[]@:!$&'()*+,;=~"


def plain_text(value: str) -> str:
    """Return a text without markup, entities and invisible characters, white space folded.

    Entities are resolved once. Tags that result from this are removed too: `&lt;script&gt;` is as
    unwanted as `<script>`. A `<` that could still open a tag is followed by a space. Control
    characters become spaces; direction marks and the like are removed. The time is linear in the
    length of the text, whatever it contains.
    """
    text = _visible(_without_markup(value, references=True))
    for _ in range(_MAX_ROUNDS):
        if not _ANY_TAG.search(text):
            break
        text = _without_markup(text, references=False)
    return _OPENING.sub("< ", " ".join(text.split()))


def _without_markup(value: str, *, references: bool) -> str:
    """Take out tags, comments and declarations; unclosed ones count as text."""
    parts: list[str] = []
    begin = follows = depth = 0
    # After this position no comment can end, so none is searched for.
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
    """Return how many of the open elements hide their text."""
    if tag["name"].lower() not in _SILENT:
        return depth
    if tag["end"]:
        return max(0, depth - 1)
    return depth if tag[0].endswith("/>") else depth + 1


def _after(tag: re.Match[str]) -> int:
    """Return where to go on: after the tag, or at the end tag of a raw element."""
    raw = _RAW.get(tag["name"].lower())
    if raw is None or tag["end"] or tag[0].endswith("/>"):
        return tag.end()
    end = raw.search(tag.string, tag.end())
    return end.start() if end else len(tag.string)


def _after_no_tag(value: str, at: int, last_comment_end: int) -> int:
    """Return where a comment or a declaration ends; for a plain `<`, the next character."""
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
    """Replace control characters by spaces, and remove formatting characters."""
    unseen = {
        ord(character): " " if kind == "Cc" else None
        for character in set(text)
        if (kind := category(character)) in {"Cc", "Cf"} and character not in _FORMATS_THAT_STAY
    }
    return text.translate(unseen) if unseen else text


def web_link(value: object) -> str | None:
    """Return an http(s) link in ASCII without credentials and keys; None for everything else.

    A link without a scheme (`//host/path`) is taken as https. Characters that no address may hold
    are percent-encoded. A host that is not ASCII is refused, because it may look like another host.
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
    """Take out each `name=value` whose name means a key; the rest stays as written."""
    first, *pieces = _BETWEEN_PARAMETERS.split(parameters)
    kept = "" if _is_key(first) else first
    for separator, piece in zip(pieces[::2], pieces[1::2], strict=True):
        if not _is_key(piece):
            kept += separator + piece if kept else piece
    return kept


def _is_key(parameter: str) -> bool:
    return unquote_plus(parameter.partition("=")[0]).strip().lower() in _KEY_PARAMETERS
