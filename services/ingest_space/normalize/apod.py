"""The Astronomy Picture of the Day. Pure."""

import re
from datetime import date, timedelta
from typing import Any, Literal

from libs.common.events import ApodEvent, ApodPicture, Provenance
from services.ingest_space.normalize.envelopes import page_object, refuse_error
from services.ingest_space.normalize.fields import MONTHS, day, link, name, required_name, text
from services.ingest_space.normalize.records import Page, Record, read_records

_UNTIL = re.compile(r"between .{1,40} and (\w{3}) (\d{1,2}), (\d{4})")
_ABSENT = re.compile(r"No data available for date: (\d{4}-\d\d-\d\d)")


def picture_events(document: Any, provenance: Provenance) -> Page:  # noqa: ANN401 - any JSON
    """Read one picture, or the list that a range of dates gives.

    Raises:
        ValueError: The document is an error, or nothing in it is a picture.
    """
    refuse_error(document)
    records = document if isinstance(document, list) else [page_object(document)]
    return read_records(records, lambda record: _event(record, provenance))


def day_to_try(complaint: str, today: date) -> date | None:
    """Return the newest date that may have a picture, when the service has none for today.

    The service's day begins hours after ours, and its picture comes later still. A complaint about
    a date out of range names the last allowed date; a complaint about a date without data names
    that date.

    Args:
        complaint: What the service answered.
        today: The date in UTC.

    Returns:
        The date; None if the complaint is about something else.
    """
    if absent := _ABSENT.search(complaint):
        found = day(absent[1])
        return (found or today) - timedelta(days=1)
    if "Date must be between" not in complaint:
        return None
    until = _UNTIL.search(complaint)
    if until and until[1] in MONTHS:
        month = MONTHS.index(until[1]) + 1
        found = day(f"{until[3]}-{month:02}-{int(until[2]):02}")
        if found:
            return found
    return today - timedelta(days=1)


def _event(record: Record, provenance: Provenance) -> ApodEvent:
    picture_date = day(record.get("date"))
    if picture_date is None:
        raise ValueError(f"date: expected a date, got {record.get('date')!r:.40}")
    title, credit = _title_and_credit(record)
    picture = ApodPicture(
        picture_date=picture_date,
        title=title,
        explanation=text(record.get("explanation")),
        media_type=_media_type(record),
        url=link(record.get("url")),
        hd_url=link(record.get("hdurl")),
        thumbnail_url=link(record.get("thumbnail_url")),
        copyright=name(record.get("copyright")) or credit,
        upstream_body=record,
    )
    return ApodEvent.of_picture(picture, provenance=provenance)


def _title_and_credit(record: Record) -> tuple[str, str | None]:
    """Separate a title from further lines that name the author."""
    title = record.get("title")
    lines = title.strip().splitlines() if isinstance(title, str) else []
    if len(lines) > 1 and "credit" in " ".join(lines[1:]).lower():
        return required_name({"title": lines[0]}, "title"), name(" ".join(lines[1:]))
    return required_name(record, "title"), None


def _media_type(record: Record) -> Literal["image", "video", "other"]:
    match record.get("media_type"):
        case "image":
            return "image"
        case "video":
            return "video"
        case _:
            return "other"
