"""Orbit Mean-Elements Messages (CCSDS 502.0), as Celestrak and Space-Track send them. Pure."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import ValidationError

from libs.common.events import IssElements

_TEXT = {"OBJECT_NAME": "object_name", "OBJECT_ID": "object_id"}
_WHOLE = {
    "NORAD_CAT_ID": "norad_id",
    "ELEMENT_SET_NO": "element_set_number",
    "REV_AT_EPOCH": "revolution_number",
}
_NUMBERS = {
    "MEAN_MOTION": "mean_motion_rev_per_day",
    "ECCENTRICITY": "eccentricity",
    "INCLINATION": "inclination_deg",
    "RA_OF_ASC_NODE": "raan_deg",
    "ARG_OF_PERICENTER": "arg_perigee_deg",
    "MEAN_ANOMALY": "mean_anomaly_deg",
    "BSTAR": "bstar",
    "MEAN_MOTION_DOT": "mean_motion_dot",
    "MEAN_MOTION_DDOT": "mean_motion_ddot",
}
_KEYWORD_OF = {
    field: keyword for table in (_TEXT, _WHOLE, _NUMBERS) for keyword, field in table.items()
}
# The decimal numbers of JSON and XML; float() alone would also take "1_5" and "nan".
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_FIRST_SATELLITE = datetime(1957, 10, 4, tzinfo=UTC)
_EPOCH_EXAMPLE = "a UTC time such as 2026-07-24T11:24:50.728896"
# 0 is the default and means SGP4, as 2 does explicitly; 4 is SGP4-XP, whose elements do not fit
# SGP4.
_SGP4_EPHEMERIS_TYPES = (0, 2)


def parse_omm(record: Mapping[str, object]) -> IssElements:
    """Read one record of the JSON form; keys that are not needed are ignored.

    Args:
        record: Keywords and values; numbers as numbers (Celestrak) or as text (Space-Track), EPOCH
            in UTC, with or without a mark.

    Raises:
        ValueError: A keyword is missing or its value is wrong: the message names the keyword, what
            was expected and what was there.
    """
    if "EPHEMERIS_TYPE" in record and _whole(record, "EPHEMERIS_TYPE") not in _SGP4_EPHEMERIS_TYPES:
        raise _unexpected(record, "EPHEMERIS_TYPE", "0 or 2, elements made for SGP4")
    fields: dict[str, object] = {"epoch": _epoch(record)}
    fields.update((field, _text(record, keyword)) for keyword, field in _TEXT.items())
    fields.update((field, _whole(record, keyword)) for keyword, field in _WHOLE.items())
    fields.update((field, _number(record, keyword)) for keyword, field in _NUMBERS.items())
    try:
        return IssElements.model_validate(fields)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        keyword = _KEYWORD_OF[str(detail["loc"][0])]
        expected = detail["msg"].removeprefix("Input should be ")
        raise _unexpected(record, keyword, f"a value {expected}") from None


def _unexpected(record: Mapping[str, object], keyword: str, expected: str) -> ValueError:
    found = repr(record[keyword])[:80] if keyword in record else "nothing"
    return ValueError(f"{keyword}: expected {expected}, got {found}")


def _text(record: Mapping[str, object], keyword: str) -> str:
    value = record.get(keyword)
    if not isinstance(value, str) or not value.strip():
        raise _unexpected(record, keyword, "text")
    return value.strip()


def _whole(record: Mapping[str, object], keyword: str) -> int:
    value = record.get(keyword)
    is_whole = isinstance(value, int | str) and not isinstance(value, bool)
    # The message format allows nine digits for a catalogue number.
    if is_whole and re.fullmatch(r"[0-9]{1,9}", str(value).strip()):
        return int(str(value))
    raise _unexpected(record, keyword, "a whole number of at most nine digits")


def _number(record: Mapping[str, object], keyword: str) -> float:
    value = record.get(keyword)
    is_number = isinstance(value, int | float | str) and not isinstance(value, bool)
    # Converting from the text turns integers too large for a float into infinity, not an error.
    if is_number and _DECIMAL.fullmatch(text := str(value).strip()):
        number = float(text)
        if math.isfinite(number):
            return number
    raise _unexpected(record, keyword, "a finite number")


def _epoch(record: Mapping[str, object]) -> datetime:
    value = record.get("EPOCH")
    if not isinstance(value, str) or "T" not in value:
        raise _unexpected(record, "EPOCH", _EPOCH_EXAMPLE)
    try:
        moment = datetime.fromisoformat(value.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _unexpected(record, "EPOCH", _EPOCH_EXAMPLE) from None
    if moment < _FIRST_SATELLITE:
        raise _unexpected(record, "EPOCH", _EPOCH_EXAMPLE)
    return moment
