"""Text from upstreams is data: markup goes, links are kept only when they lead to the web."""

import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

# What separates words when it is taken out; other elements stand inside of words.
_BREAKING = {"p", "br", "li", "ul", "ol", "div", "tr", "td", "th", "h1", "h2", "h3", "h4", "hr"}
_SILENT = {"script", "style", "template", "head"}
_KEY_PARAMETERS = {"api_key", "apikey", "key", "token"}
MAX_LINK_LENGTH = 2_000
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
# What a browser would take for the begin of markup.
_OPENING = re.compile(r"<(?=/?[a-zA-Z]|!--)")
# Markup within markup within markup: what is left after that is made harmless.
_MAX_ROUNDS = 5


class _TextOnly(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base class calls it so
        self._silent += tag in _SILENT
        if tag in _BREAKING:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))
        if tag in _BREAKING:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def plain_text(value: str) -> str:
    """Return a text without markup, entities and control characters, white space folded.

    Entities are resolved once. Tags that come out of them go, too: `&lt;script&gt;` is no more
    wanted than `<script>`. A `<` that could still open one is set apart by a space.
    """
    text = _without_markup(value)
    for _ in range(_MAX_ROUNDS):
        if not _TAG.search(text):
            break
        text = _without_markup(text.replace("&", "&amp;"))
    return _OPENING.sub("< ", " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split()))


def _without_markup(value: str) -> str:
    parser = _TextOnly()
    try:
        parser.feed(value)
        parser.close()
        return "".join(parser.parts)
    except AssertionError:
        # How some versions of the parser answer `<![x[`.
        return unescape(_TAG.sub("", value))


def web_link(value: object) -> str | None:
    """Return an http(s) link without credentials and keys; None for everything else.

    A link without a scheme (`//host/path`) is taken as https.
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
    if re.search(r"[\x00-\x20\x7f\\]", candidate):
        return None
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, text) for name, text in pairs if name.lower() not in _KEY_PARAMETERS]
    # The query stays as it was written unless something had to go.
    query = parts.query if len(kept) == len(pairs) else urlencode(kept)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit((parts.scheme.lower(), host + port, parts.path, query, parts.fragment))
