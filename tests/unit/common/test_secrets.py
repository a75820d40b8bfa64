"""The redactor: secrets that it was told of, and whatever has the form of one."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.secrets import Redactor


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://:hunter2@broker:6379/0", "redis://:***@broker:6379/0"),
        ("redis+cluster://:hunter2@a:1,b:2", "redis+cluster://:***@a:1,b:2"),
        (
            "redis+sentinel://:hunter2@a,b/s?sentinel_password=hunter2",
            "redis+sentinel://:***@a,b/s?sentinel_password=***",
        ),
        ("postgresql://u:hunter2@db/d", "postgresql://u:***@db/d"),
        ("https://user:hunter2@mirror/path", "https://user:***@mirror/path"),
        ("GET /x?api_key=hunter2&y=1", "GET /x?api_key=***&y=1"),
        ("GET /x?y=1&apikey=hunter2", "GET /x?y=1&apikey=***"),
        ("host=db password=hunter2 user=u", "host=db password=*** user=u"),
        ("Authorization: Basic aHVudGVyMjpodW50ZXIy", "Authorization: Basic ***"),
        ("Authorization: Bearer eyJhbGciOi.eyJzdWIi.c2ln", "Authorization: Bearer ***"),
        ("{'Authorization': 'Token 0123456789abcdef'}", "{'Authorization': 'Token ***'}"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, expected: str) -> None:
    """Passwords in addresses, keys in queries and Authorization headers need not be known."""
    assert Redactor()(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "https://api.wheretheiss.at/v1/satellites/25544?units=kilometers",
        "redis://broker:6379/0 does not answer",
        "the basic idea",
        "2026-03-01T12:00:00Z",
        "services.persistence:main",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    """What is no secret is readable afterwards."""
    assert Redactor()(text) == text


def test_known_secrets_are_masked_wherever_they_stand() -> None:
    """The password of a configured address is masked outside of the address, too."""
    redact = Redactor(["redis://:correct-horse@broker:6379/0", "some-api-key"])
    assert redact("AUTH correct-horse failed for some-api-key") == "AUTH *** failed for ***"


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=6))
def test_a_password_is_masked_as_written_and_as_meant(password: str) -> None:
    """An address holds its password percent-encoded, a library's message may hold it decoded."""
    encoded = quote(password, safe="")
    redact = Redactor([f"postgresql://u:{encoded}@db/d"])
    assert redact(f"<{encoded}>") == "<***>"
    assert redact(f"<{password}>") == "<***>"


@pytest.mark.parametrize(
    "spelling",
    [
        'pa"ss/w\\rd &1\u00e9',
        "pa%22ss%2Fw%5Crd%20%261%C3%A9",
        "pa%22ss%2fw%5crd+%261%c3%a9",
        json.dumps('pa"ss/w\\rd &1\u00e9'),
        json.dumps('pa"ss/w\\rd &1\u00e9', ensure_ascii=False).replace("/", "\\/"),
        "\\u0070\\u0061\\u0022ss\\u002Fw\\u005Crd\\u0020\\u00261\\u00E9",
        "pa&quot;ss/w\\rd &amp;1\u00e9",
    ],
)
def test_a_secret_is_masked_in_every_spelling(spelling: str) -> None:
    """Upstreams repeat what they were sent, quoted as their answer has to be."""
    redact = Redactor(['pa"ss/w\\rd &1\u00e9'])
    inner = spelling.removeprefix('"').removesuffix('"')
    assert redact(f"<{inner}>") == "<***>"
    assert redact.known_in(f"<{inner}>".encode()) == b"<***>"


@pytest.mark.parametrize("secret", ["-" * 40 + "x", "words_of_a_key_" * 4 + "end"])
def test_a_secret_that_is_cut_off_takes_no_time(secret: str) -> None:
    """Each of its characters has one way to match: with two, 40 of them would take minutes."""
    redact = Redactor([secret])
    assert redact(f"{secret[:-1]}." * 1_000).count("***") == 0


@pytest.mark.parametrize("run", ["a" * 200_000, "a1" * 100_000, "://" * 60_000])
def test_long_runs_take_no_time(run: str) -> None:
    """What may be the scheme of an address is looked at once, not from each of its characters."""
    assert Redactor()(f"{run} x://u:password@h") == f"{run} x://u:***@h"


def test_a_longer_secret_leaves_no_rest() -> None:
    """Of two secrets, one inside the other, both go as a whole."""
    assert Redactor(["secret", "secret-longer"])("a secret-longer b secret") == "a *** b ***"


def test_short_values_do_not_garble_the_log() -> None:
    """A password of a few letters is masked in its address only."""
    redact = Redactor(["redis://:in@broker"])
    assert redact("in the redis://:in@broker") == "in the redis://:***@broker"
