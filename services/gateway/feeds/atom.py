"""Atom feeds (RFC 4287). Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid5
from xml.etree.ElementTree import Element, SubElement, tostring

from libs.common.clock import iso
from libs.common.events import EVENT_NAMESPACE

_ATOM = "http://www.w3.org/2005/Atom"
# XML 1.0 has no way to write these.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One piece of news.

    Attributes:
        path: Where this API shows it; its id is made from this, so that it never changes.
        title: One line.
        author: Who it comes from.
        published: When it was first published; None if that is not known.
        updated: When this version of it came.
        summary: In words.
        link: A page elsewhere that shows it.
        labels: Categories.
    """

    path: str
    title: str
    author: str
    published: datetime | None
    updated: datetime
    summary: str = ""
    link: str | None = None
    labels: Sequence[str] = field(default_factory=tuple)


def atom_feed(path: str, title: str, entries: Sequence[Entry], updated: datetime) -> bytes:
    """Return a feed.

    Links to this API are relative to the feed's address: the answer is kept for other clients too,
    which may have reached the gateway under another name.

    Args:
        path: Where the feed is, with its query.
        title: What news readers show.
        entries: The newest first.
        updated: When an empty feed changed; else the time of the newest entry counts.
    """
    feed = Element("feed", {"xmlns": _ATOM})
    _text(feed, "id", _identity(path))
    _text(feed, "title", title)
    _text(feed, "updated", iso(max((entry.updated for entry in entries), default=updated)))
    SubElement(feed, "link", {"rel": "self", "type": "application/atom+xml", "href": path})
    _text(feed, "generator", "Cassiopeia")
    for entry in entries:
        _add(feed, entry)
    body: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return body


def _add(feed: Element, entry: Entry) -> None:
    element = SubElement(feed, "entry")
    _text(element, "id", _identity(entry.path))
    _text(element, "title", entry.title)
    _text(element, "updated", iso(entry.updated))
    if entry.published:
        _text(element, "published", iso(entry.published))
    _text(SubElement(element, "author"), "name", entry.author)
    if entry.link:
        SubElement(element, "link", {"rel": "alternate", "href": _allowed(entry.link)})
    json_link = {"rel": "related", "type": "application/json", "href": _allowed(entry.path)}
    SubElement(element, "link", json_link)
    for label in entry.labels:
        SubElement(element, "category", {"term": _allowed(label)})
    # An entry without a link must have a content (RFC 4287, 4.1.2); with one, this is a summary.
    _text(element, "summary" if entry.link else "content", entry.summary or entry.title)


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = _allowed(text)


def _allowed(text: str) -> str:
    return _NOT_IN_XML.sub("", text)


def _identity(path: str) -> str:
    return uuid5(EVENT_NAMESPACE, f"atom:{path}").urn
