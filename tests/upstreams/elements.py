"""The simulated station's mean elements, as a mean-elements message and as two lines."""

import math
from datetime import UTC, datetime
from typing import Any

from tests.upstreams import iss

NAME = "ISS (ZARYA)"
# An ordinary drag for this height.
_BSTAR = 0.00012
_MEAN_MOTION_DOT = 0.00006
# Orbits since launch: the station passed 58,952 on 2026-10-09, at 15.5 a day.
_REVOLUTION_AT_START = 54_585
_START = 1_767_225_600.0
# Where in its nearly circular orbit the perigee lies does not matter; near 0 the elements are dull.
_PERIGEE_RAD = 1.5


def omm(epoch: float) -> dict[str, Any]:
    """Return the elements at a Unix time, with the keys and types of Celestrak's JSON."""
    return {
        "OBJECT_NAME": NAME,
        "OBJECT_ID": "1998-067A",
        "EPOCH": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"),
        "MEAN_MOTION": round(iss.DAY_S / iss.PERIOD_S, 8),
        "ECCENTRICITY": 0.0001,
        "INCLINATION": round(math.degrees(iss.INCLINATION), 4),
        "RA_OF_ASC_NODE": round(math.degrees(iss.node(epoch)), 4),
        "ARG_OF_PERICENTER": round(math.degrees(_PERIGEE_RAD), 4),
        "MEAN_ANOMALY": round(math.degrees(iss.argument(epoch) - _PERIGEE_RAD) % 360, 4),
        "EPHEMERIS_TYPE": 0,
        "CLASSIFICATION_TYPE": "U",
        "NORAD_CAT_ID": 25544,
        "ELEMENT_SET_NO": 999,
        "REV_AT_EPOCH": _REVOLUTION_AT_START + int((epoch - _START) / iss.PERIOD_S),
        "BSTAR": _BSTAR,
        "MEAN_MOTION_DOT": _MEAN_MOTION_DOT,
        "MEAN_MOTION_DDOT": 0,
    }


def two_lines(record: dict[str, Any]) -> tuple[str, str]:
    """Return the two lines of a record that `omm` made."""
    epoch = datetime.fromisoformat(record["EPOCH"]).replace(tzinfo=UTC)
    day = (epoch - datetime(epoch.year, 1, 1, tzinfo=UTC)).total_seconds() / iss.DAY_S + 1
    drag = f"{record['MEAN_MOTION_DOT']:.8f}".lstrip("0")
    line1 = (
        f"1 25544U 98067A   {epoch:%y}{day:012.8f}  {drag}  00000+0 "
        f"{_assumed_point(record['BSTAR'])} 0  999"
    )
    line2 = (
        f"2 25544 {record['INCLINATION']:8.4f} {record['RA_OF_ASC_NODE']:8.4f} "
        f"{round(record['ECCENTRICITY'] * 1e7):07d} {record['ARG_OF_PERICENTER']:8.4f} "
        f"{record['MEAN_ANOMALY']:8.4f} {record['MEAN_MOTION']:11.8f}{record['REV_AT_EPOCH']:5d}"
    )
    return line1 + _checksum(line1), line2 + _checksum(line2)


def _assumed_point(value: float) -> str:
    """Format 0.00012 as ` 12000-3`: a decimal point is assumed before the digits."""
    exponent = math.floor(math.log10(value)) + 1
    return f" {round(value / 10**exponent * 1e5):05d}{exponent:+d}"


def _checksum(line: str) -> str:
    total = sum(int(char) if char.isdigit() else char == "-" for char in line)
    return str(total % 10)
