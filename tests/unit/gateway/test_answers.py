"""What a client says that it takes, and that it has."""

import pytest

from services.gateway.answers import has_tag, takes_gzip


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("", False),
        ("identity", False),
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; Q=0.000", False),
        ("*, gzip;q=0", False),
        ("*;q=0, gzip", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
    ],
)
def test_gzip_is_sent_to_whoever_takes_it(accepted: str, *, takes: bool) -> None:
    """What is said of gzip itself counts before what is said of all others (RFC 9110, 12.5.3)."""
    assert takes_gzip(accepted) is takes


@pytest.mark.parametrize(
    ("known", "has"),
    [
        ('"abc"', True),
        ('W/"abc"', True),
        ('"x", "abc-gzip"', True),
        (" * ", True),
        ('"ab"', False),
        ("", False),
    ],
)
def test_a_tag_is_found_in_either_form(known: str, *, has: bool) -> None:
    """Plain, compressed, weak, in a list, or any."""
    assert has_tag(known, '"abc"') is has
