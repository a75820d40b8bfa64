"""Text of upstreams is data: nothing in it is markup, and no word of it is lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.upstream.text import plain_text, web_link

PIECES = (
    "<",
    ">",
    "&lt;",
    "&gt;",
    "&amp;",
    "&#60;",
    "/",
    "!",
    "--",
    "script",
    "b",
    " ",
    "x=1",
    "a",
    "]]>",
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("<p>one</p><p>two</p>", "one two"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", ""),
        ("&lt;img src=x onerror=alert(1)&gt; hi", "hi"),
        ("&lt;i&gt;Arabidopsis&lt;/i&gt; &amp; more", "Arabidopsis & more"),
        ("&lt;p&gt;one&lt;/p&gt;&lt;p&gt;two&lt;/p&gt;", "one two"),
        ("&lt;b&lt;i&gt;&gt;x", ">x"),
        ("&amp;lt;script&amp;gt;", "&lt;script&gt;"),
        ("a < b", "a < b"),
        ("a &lt; b &amp;&amp; b &gt; c", "a < b && b > c"),
        ("p &lt;0.05", "p <0.05"),
        ("T&lt;Tc", "T< Tc"),
    ],
)
def test_markup_goes_and_text_stays(value: str, text: str) -> None:
    """Also markup that was written with entities; a comparison is none."""
    assert plain_text(value) == text


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_text_opens_a_tag(value: str) -> None:
    """Whatever is put together from pieces of markup."""
    assert not re.search("<(/?[a-zA-Z]|!--)", plain_text(value))


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("http://[::1]/x", "http://[::1]/x"),
        ("http://user:word@[2001:DB8::1]:8080/x?api_key=1", "http://[2001:db8::1]:8080/x"),
        ("//example.org/x", "https://example.org/x"),
        ("http://[::1/x", None),
        ("javascript:alert(1)", None),
    ],
)
def test_a_link_stays_one(link: str, kept: str | None) -> None:
    """What goes out leads where it led, to an address of version 6 too."""
    assert web_link(link) == kept
