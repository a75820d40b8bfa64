"""Reads the repository's dates, in every form that it uses. Pure."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime

# The calendar module's names would follow the locale.
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: str(number) for number, name in enumerate(_NAMES, start=1)}
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})")
_DAY_MONTH_YEAR = re.compile(r"(\d{1,2})-([A-Za-z]{3})[a-z]*-(\d{4})")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")
_NUMBER = re.compile(r"\d{8,12}(?:\.\d*)?")
# Seconds since 1970: from 1973 (a smaller number means something else) to 2200.
_EPOCH_SECONDS = (1e8, 7_258_118_400.0)
# No study is older than the first animals on rockets, and none is planned beyond 2200.
_YEARS = range(1940, 2201)
# For years of two digits: the space age began in 1957.
_FIRST_SHORT_YEAR = 57


def parse_date(value: object) -> date | None:
    """Return the day that a value names; None when it names none.

    Known forms: MM/DD/YYYY, M/D/YY, DD-Mon-YYYY, YYYY-MM-DD with or without a time, and seconds
    since 1970 as a number or a text.
    """
    match value:
        case bool():
            return None
        case int() | float():
            return _from_epoch(value)
        case str():
            return _from_text(value.strip())
        case _:
            return None


def _from_text(text: str) -> date | None:
    if match := _SLASHES.fullmatch(text):
        month, day, year = match.groups()
    elif match := _DAY_MONTH_YEAR.fullmatch(text):
        day, name, year = match.groups()
        month = _MONTHS.get(name.lower(), "0")
    elif match := _ISO.fullmatch(text):
        year, month, day = match.groups()
    elif _NUMBER.fullmatch(text):
        return _from_epoch(float(text))
    else:
        return None
    return _day(_full_year(year), int(month), int(day))


def _from_epoch(seconds: float) -> date | None:
    first, last = _EPOCH_SECONDS
    return datetime.fromtimestamp(seconds, UTC).date() if first <= seconds < last else None


def _full_year(digits: str) -> int:
    year = int(digits)
    if len(digits) > 2:  # noqa: PLR2004 - two digits, as the form says
        return year
    return year + (1900 if year >= _FIRST_SHORT_YEAR else 2000)


def _day(year: int, month: int, day: int) -> date | None:
    with suppress(ValueError):
        return date(year, month, day) if year in _YEARS else None
    return None
