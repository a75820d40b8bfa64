"""Bodies of the archives in, events out. Pure: no I/O, no clock."""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from libs.common.events import Instrument, JwstImage, JwstImageEvent, Origin, Provenance
from libs.common.events.jwst import MAX_TEXT
from libs.common.upstream.records import storable_record
from libs.common.upstream.text import plain_text
from services.ingest_jwst.file_names import ProductName, parse_product_name, program_of
from services.ingest_jwst.links import archive_link, linked_file, product_link

# 1970-01-01T00:00Z as a Modified Julian Date.
UNIX_EPOCH_MJD = 40_587.0
# 1995 to 2132; a number outside this range is no date of this telescope.
_MJD_RANGE = (50_000.0, 100_000.0)
# The telescope sees 600 to 28,800 nm; archives write 0 for unknown values.
_BAND_NM = (100.0, 100_000.0)
PRODUCT_TYPES: tuple[Literal["image", "cube"], ...] = ("image", "cube")
COMBINED = 3
_PREVIEW_SUFFIX = {"image": "_i2d", "cube": "_s3d"}
_INSTRUMENT_NAMES: Mapping[str, Instrument] = {
    "NIRCAM": "NIRCam",
    "NIRSPEC": "NIRSpec",
    "MIRI": "MIRI",
    "NIRISS": "NIRISS",
    "FGS": "FGS",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A span of release times, both ends included."""

    since: datetime
    until: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment <= self.until


@dataclass(frozen=True, slots=True)
class MastPage:
    """MAST's answer: still executing, an error, or a page of rows."""

    status: Literal["COMPLETE", "EXECUTING", "ERROR"]
    message: str
    rows: Sequence[object]
    is_last: bool


@dataclass(frozen=True, slots=True)
class JwstApiPage:
    """The envelope of jwstapi.com; there are no items after the end of its list."""

    status: int
    error: str
    items: Sequence[object]


def mast_page(body: object, *, page: int, page_size: int) -> MastPage:
    """Read an answer of MAST's `invoke`.

    Raises:
        ValueError: The body is no such answer; the message says what was expected.
    """
    if not isinstance(body, Mapping):
        raise ValueError(f"expected an object, got {type(body).__name__}")
    message = text_of(body.get("msg")) or ""
    match body.get("status"):
        case "EXECUTING":
            return MastPage("EXECUTING", message, (), is_last=False)
        case "ERROR":
            return MastPage("ERROR", message or "an error without words", (), is_last=True)
        case "COMPLETE":
            rows = body.get("data")
            if not isinstance(rows, list):
                raise ValueError(f"data: expected a list, got {type(rows).__name__}")
            paging = body.get("paging")
            pages = paging.get("pagesFiltered") if isinstance(paging, Mapping) else None
            counted = isinstance(pages, int) and not isinstance(pages, bool) and pages > 0
            is_last = page >= pages if counted and pages is not None else len(rows) < page_size
            return MastPage("COMPLETE", message, rows, is_last=is_last or not rows)
        case other:
            raise ValueError(f"status: expected COMPLETE, EXECUTING or ERROR, got {other!r:.40}")


def jwstapi_page(body: object) -> JwstApiPage:
    """Read an answer of jwstapi.com.

    Raises:
        ValueError: The body is no such answer; the message says what was expected.
    """
    if not isinstance(body, Mapping):
        raise ValueError(f"expected an object, got {type(body).__name__}")
    status, items = body.get("statusCode"), body.get("body")
    if isinstance(status, bool) or not isinstance(status, int):
        raise ValueError(f"statusCode: expected a number, got {status!r:.40}")
    error = text_of(body.get("error")) or ""
    if not isinstance(items, list):
        if items:
            raise ValueError(f"body: expected a list, got {type(items).__name__}")
        items = []
    return JwstApiPage(status, error, items)


def is_wanted(row: object, span: Span) -> bool:
    """Tell whether a row of MAST is what was asked for, whatever filters MAST ignored.

    A row without a readable time of release counts as wanted, because its fault is reported later,
    when it is read.
    """
    if not isinstance(row, Mapping):
        return True
    try:
        released = mjd_of(row, "t_obs_release")
    except ValueError:
        released = None
    return (
        row.get("obs_collection") == "JWST"
        and row.get("dataproduct_type") in PRODUCT_TYPES
        and row.get("calib_level") in (COMBINED, str(COMBINED))
        and (released is None or released in span)
    )


def is_public(row: Mapping[str, Any]) -> bool:
    """Tell whether everybody may download a row's product."""
    return str(row.get("dataRights") or "PUBLIC").upper() == "PUBLIC"


def mast_image(row: object, provenance: Provenance) -> JwstImageEvent:
    """Read a row of MAST, which has CAOM's columns.

    Raises:
        ValueError: The row is no picture; the message names the column and what was expected.
    """
    row = storable_record(row)
    if row.get("obs_collection") != "JWST":
        raise ValueError(f"obs_collection: expected JWST, got {row.get('obs_collection')!r:.40}")
    observation = row.get("obs_id")
    if not isinstance(observation, str):
        raise ValueError(f"obs_id: expected text, got {observation!r:.40}")
    kind = _product_type(row)
    name, preview = _mast_preview(row, observation.lower(), kind)
    named = _INSTRUMENT_NAMES.get(str(row.get("instrument_name")).partition("/")[0].upper())
    instruments = [named] if named else name.instruments
    filters = _mast_filters(row) or name.filters
    target, title = text_of(row.get("target_name")), text_of(row.get("obs_title"))
    image = JwstImage(
        image_id=name.stem,
        observation_id=observation.lower(),
        program=name.program,
        suffix=name.suffix,
        instruments=instruments,
        filters=filters,
        caption=caption_of(target or observation, instruments, filters, title),
        preview_url=preview,
        image_url=preview,
        data_url=archive_link(row.get("dataURL")),
        target=target,
        target_class=text_of(row.get("target_classification")),
        title=title,
        investigator=text_of(row.get("proposal_pi")),
        product_type=kind,
        calibration_level=_whole(row.get("calib_level"), 0, 4),
        released_at=mjd_of(row, "t_obs_release"),
        observed_from=mjd_of(row, "t_min"),
        observed_until=mjd_of(row, "t_max"),
        exposure_s=_number(row.get("t_exptime"), 0),
        ra_deg=_number(row.get("s_ra"), 0, 360),
        dec_deg=_number(row.get("s_dec"), -90, 90),
        wavelength_min_nm=_number(row.get("em_min"), *_BAND_NM),
        wavelength_max_nm=_number(row.get("em_max"), *_BAND_NM),
        archive_id=_archive_id(row.get("obsid")),
        upstream_body=_received(row, provenance),
    )
    return JwstImageEvent.of_image(image, provenance=provenance)


def released_image(row: object, provenance: Provenance) -> JwstImageEvent:
    """Read a row of MAST that was asked for by its time of release.

    Raises:
        ValueError: The row is no picture, or has no time of release.
    """
    event = mast_image(row, provenance)
    if event.data.released_at is None:
        raise ValueError("t_obs_release: expected a Modified Julian Date, got None")
    return event


def jwstapi_image(item: object, provenance: Provenance) -> JwstImageEvent | None:
    """Read an item of jwstapi.com; None for one that is no picture of its own.

    An item lists all instruments that can have its suffix, so the instrument is read from the
    file's name instead. A thumbnail is left out: the item of its picture has it, too.

    Raises:
        ValueError: The record is no item; the message names the field and what was expected.
    """
    item = storable_record(item)
    if item.get("file_type") != "jpg":
        if isinstance(item.get("file_type"), str):
            return None
        raise ValueError(f"file_type: expected text, got {item.get('file_type')!r:.40}")
    if not isinstance(item.get("id"), str):
        raise ValueError(f"id: expected a file's name, got {item.get('id')!r:.40}")
    name = parse_product_name(item["id"])
    if name.is_thumbnail:
        return None
    link = archive_link(item.get("location"))
    if link is None:
        raise ValueError(
            f"location: expected a link to an archive, got {item.get('location')!r:.200}"
        )
    details = item.get("details")
    description = text_of(details.get("description")) if isinstance(details, Mapping) else None
    image = JwstImage(
        image_id=name.stem,
        observation_id=name.observation_id,
        program=name.program,
        suffix=name.suffix,
        instruments=name.instruments,
        filters=name.filters,
        caption=caption_of(name.observation_id, name.instruments, name.filters, description),
        preview_url=archive_link(item.get("thumbnail")) or link,
        image_url=link,
        description=description,
        upstream_body=_received(item, provenance),
    )
    return JwstImageEvent.of_image(image, provenance=provenance)


def caption_of(
    what: str, instruments: Sequence[str], filters: Sequence[str], more: str | None
) -> str:
    """Return one line that says what a picture shows and how it was taken."""
    how = " ".join(part for part in ("/".join(instruments), "+".join(filters)) if part)
    head = ", ".join(part for part in (what, how) if part)
    return (f"{head}: {more}" if more else head)[:MAX_TEXT]


def text_of(value: object) -> str | None:
    """Return a text without markup and of a bounded length; None where there is none.

    The text "null", which some columns hold, counts as none.
    """
    if not isinstance(value, str):
        return None
    # Removing markup only shortens a text; what is beyond ten times the limit is not worth reading.
    found = plain_text(value[: MAX_TEXT * 10])[:MAX_TEXT].strip()
    return found if found and found.lower() != "null" else None


def mjd_of(row: Mapping[str, Any], column: str) -> datetime | None:
    """Return a Modified Julian Date as a time, to the second; None where there is none.

    Raises:
        ValueError: The value is no date of this telescope.
    """
    value = row.get(column)
    if value is None:
        return None
    number = _number(value, *_MJD_RANGE)
    if number is None:
        raise ValueError(f"{column}: expected a Modified Julian Date, got {value!r:.40}")
    seconds = round((number - UNIX_EPOCH_MJD) * 86_400)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def to_mjd(moment: datetime) -> float:
    """Return a time as a Modified Julian Date."""
    return moment.timestamp() / 86_400 + UNIX_EPOCH_MJD


def _received(record: dict[str, Any], provenance: Provenance) -> dict[str, Any] | None:
    """Return a record that an archive sent; None for a shipped image, which none sent."""
    return None if provenance.origin is Origin.SNAPSHOT else record


def _mast_preview(
    row: Mapping[str, Any], observation: str, kind: Literal["image", "cube"] | None
) -> tuple[ProductName, str]:
    """Return the name of a row's picture and its link, by the archive's rule if none is given.

    The link must lead to a picture of this observation: another file's name would be a wrong id.
    """
    program_of(observation)
    link = archive_link(row.get("jpegURL"))
    if link:
        with suppress(ValueError):
            name = parse_product_name(linked_file(link))
            if name.stem.startswith(f"{observation}_"):
                return name, link
    name = parse_product_name(observation + _PREVIEW_SUFFIX[kind or "image"])
    link = product_link(f"{name.stem}.jpg")
    if link is None:
        raise ValueError(f"obs_id: expected a JWST name, got {observation!r:.80}")
    return name, link


def _product_type(row: Mapping[str, Any]) -> Literal["image", "cube"] | None:
    given = row.get("dataproduct_type")
    return next((kind for kind in PRODUCT_TYPES if kind == given), None)


def _mast_filters(row: Mapping[str, Any]) -> list[str]:
    words = re.split(r"[;,/]", text_of(row.get("filters")) or "")
    named = [word.strip().upper()[:40] for word in words]
    return list(dict.fromkeys(word for word in named if word and word != "CLEAR"))[:20]


def _archive_id(value: object) -> str | None:
    """Return the archive's id, which is a number in the data although it is declared as text."""
    number = _whole(value, 0, 10**15)
    return None if number is None else str(number)


def _whole(value: object, least: int, most: int) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if least <= value <= most else None


def _number(value: object, least: float, most: float = math.inf) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        # JSON allows integers that no float holds.
        with suppress(OverflowError):
            number = float(value)
            if math.isfinite(number) and least <= number <= most:
                return number
    return None
