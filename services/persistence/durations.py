"""Durations as people write them: `30m`, `24h`, `7d`, `1y`."""

import re
from datetime import timedelta

_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    # Never less than the year that was asked for.
    "y": timedelta(days=366),
}
# So long ago is still a date.
_LONGEST = 1_000 * _UNITS["y"]


def duration(text: str, units: str) -> timedelta | None:
    """Parse a whole number of one of some units; None where it is none, or above 1,000 years."""
    found = re.fullmatch(rf"([1-9][0-9]{{0,5}})([{units}])", text)
    parsed = int(found[1]) * _UNITS[found[2]] if found else None
    return None if parsed is None or parsed > _LONGEST else parsed


def period(text: str) -> timedelta:
    """Parse minutes, hours or days such as `24h`.

    Raises:
        ValueError: It is none.
    """
    parsed = duration(text, "mhd")
    if parsed is None:
        raise ValueError(f"{text}: expected minutes, hours or days, such as 30m, 24h or 7d")
    return parsed
