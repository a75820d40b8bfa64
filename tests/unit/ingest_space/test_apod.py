"""Reading the picture of the day."""

from datetime import date
from typing import Any

import pytest

from libs.common.events import ApodEvent
from services.ingest_space.normalize import day_to_try, picture_events
from tests.unit.ingest_space.bodies import DAY, LIVE, PICTURE


def read(body: Any) -> ApodEvent:
    """Return the one picture of a body."""
    (event,) = picture_events(body, LIVE).events
    assert isinstance(event, ApodEvent)
    return event


def test_reads_an_image() -> None:
    """Every field lands in its place; line breaks inside of texts are spaces."""
    event = read(PICTURE)
    assert event.subject == "2026-03-01"
    assert event.time.isoformat() == "2026-03-01T00:00:00+00:00"
    picture = event.data
    assert (picture.picture_date, picture.media_type) == (DAY, "image")
    assert picture.title == "A Bridge of Dust"
    assert picture.explanation == "What holds it? Nobody knows."
    assert picture.copyright == "Ada Example (Sky Club)"
    assert picture.url == "http://apod.nasa.gov/apod/image/2603/Bridge_960.jpg"
    assert picture.hd_url == "https://apod.nasa.gov/apod/image/2603/Bridge_4096.jpg"
    assert picture.upstream_body == PICTURE


def test_reads_a_video() -> None:
    """A link without a scheme leads to https; there is no large file."""
    body = {key: value for key, value in PICTURE.items() if key not in ("hdurl", "copyright")}
    body |= {
        "media_type": "video",
        "url": "//www.youtube.com/embed/x?rel=0",
        "thumbnail_url": "https://img.youtube.com/vi/x/0.jpg",
    }
    picture = read(body).data
    assert picture.media_type == "video"
    assert picture.url == "https://www.youtube.com/embed/x?rel=0"
    assert picture.thumbnail_url == "https://img.youtube.com/vi/x/0.jpg"
    assert picture.hd_url is picture.copyright is None


@pytest.mark.parametrize("media_type", ["other", "interactive", None])
def test_reads_what_is_neither(media_type: object) -> None:
    """Without any link, and of a kind that nobody named, it is still the day's picture."""
    body = {key: value for key, value in PICTURE.items() if key not in ("url", "hdurl")}
    picture = read(body | {"media_type": media_type}).data
    assert picture.media_type == "other"
    assert picture.url is picture.hd_url is None


def test_takes_the_credit_out_of_a_title() -> None:
    """Further lines of a title that name the author are the copyright, unless there is one."""
    body = PICTURE | {"title": "A Bridge \r\n Image Credit: B. Else", "copyright": None}
    picture = read(body).data
    assert (picture.title, picture.copyright) == ("A Bridge", "Image Credit: B. Else")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "ftp://x.example/y", "", 5, None])
def test_keeps_links_to_the_web_only(link: object) -> None:
    """Everything else is no link."""
    assert read(PICTURE | {"url": link}).data.url is None


def test_reads_a_range_of_days() -> None:
    """A list of pictures is read as one of each day."""
    page = picture_events([PICTURE, PICTURE | {"date": "2026-02-28"}], LIVE)
    assert [event.subject for event in page.events] == ["2026-03-01", "2026-02-28"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"code": 404, "msg": "No data available", "service_version": "v1"}, "404: No data"),
        ({"error": {"code": "OVER_RATE_LIMIT", "message": "Enough."}}, "OVER_RATE_LIMIT: Enough"),
        ({"error": "something went wrong", "status": 500}, "error object: something"),
        ({key: value for key, value in PICTURE.items() if key != "date"}, "date: expected"),
        (PICTURE | {"date": "01.03.2026"}, "date: expected a date, got '01.03.2026'"),
        (PICTURE | {"title": " <b></b> "}, "title: expected text"),
        ("text", "expected an object, got str"),
        (None, "expected an object, got NoneType"),
    ],
)
def test_refuses_what_is_no_picture(body: Any, reason: str) -> None:
    """The reason says what it is, or what was expected."""
    with pytest.raises(ValueError, match=reason):
        picture_events(body, LIVE)


@pytest.mark.parametrize(
    ("complaint", "day"),
    [
        ("Date must be between Jun 16, 1995 and Feb 28, 2026.", date(2026, 2, 28)),
        ("Date must be between Jun 16, 1995 and today.", date(2026, 2, 28)),
        ("No data available for date: 2026-03-01", date(2026, 2, 28)),
        ("No data available for date: 2026-02-28", date(2026, 2, 27)),
        ("The requested URL was not found.", None),
    ],
)
def test_which_day_to_try(complaint: str, day: date | None) -> None:
    """The complaint tells which day has a picture; any other complaint is none about days."""
    assert day_to_try(complaint, DAY) == day
