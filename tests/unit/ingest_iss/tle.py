"""Two-line elements, the form that the reference values have; the service reads OMM only."""

from datetime import UTC, datetime, timedelta

from libs.common.events import IssElements

# Two digits from here on are years of the last century.
_FIRST_YEAR = 57
_LENGTH = 69


def elements_from_tle(line1: str, line2: str) -> IssElements:
    """Read one element set.

    Raises:
        ValueError: A length, line number, checksum or satellite number is wrong.
    """
    for number, line in (("1", line1), ("2", line2)):
        if len(line) != _LENGTH or line[0] != number:
            raise ValueError(f"line {number}: expected {_LENGTH} characters, got {line!r}")
        if checksum(line) != int(line[-1]):
            raise ValueError(f"line {number}: checksum {line[-1]}, expected {checksum(line)}")
    if line1[2:7] != line2[2:7]:
        raise ValueError(f"two satellites: {line1[2:7]} and {line2[2:7]}")
    year = int(line1[18:20])
    return IssElements(
        norad_id=int(line1[2:7]),
        object_name="ISS (ZARYA)",
        object_id=line1[9:17].strip(),
        epoch=datetime(year + (1900 if year >= _FIRST_YEAR else 2000), 1, 1, tzinfo=UTC)
        + timedelta(days=float(line1[20:32]) - 1),
        mean_motion_rev_per_day=float(line2[52:63]),
        eccentricity=float(f"0.{line2[26:33]}"),
        inclination_deg=float(line2[8:16]),
        raan_deg=float(line2[17:25]),
        arg_perigee_deg=float(line2[34:42]),
        mean_anomaly_deg=float(line2[43:51]),
        bstar=_with_exponent(line1[53:61]),
        mean_motion_dot=float(line1[33:43]),
        mean_motion_ddot=_with_exponent(line1[44:52]),
        element_set_number=int(line1[64:68]),
        revolution_number=int(line2[63:68]),
    )


def checksum(line: str) -> int:
    """Return the last digit of the sum of all digits before the last, a minus counting one."""
    return sum(int(char) if char.isdigit() else char == "-" for char in line[: _LENGTH - 1]) % 10


def _with_exponent(field: str) -> float:
    """Read ` 59904-4` as 0.59904e-4."""
    return float(f"{field[0].strip()}0.{field[1:6]}e{field[6:8]}")
