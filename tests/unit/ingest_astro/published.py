"""Published tables: moments that others computed, in UT unless said otherwise.

Solar eclipses: NASA's Five Millennium Catalog, greatest eclipse in TD, with its delta T of the
decade. Lunar eclipses: the same catalogue, to the minute. Seasons, perihelia and aphelia: US Naval
Observatory, to the minute. Phases: US Naval Observatory and timeanddate.com, to the minute.
"""

from datetime import UTC, datetime, timedelta

DELTA_T = timedelta(seconds=74)


def at(text: str) -> datetime:
    """Return `2024-04-08 18:18[:29]` as a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Dynamical time; T total, A annular, P partial.
SOLAR_ECLIPSES_TD = {
    "2024-04-08 18:18:29": "total",
    "2024-10-02 18:46:13": "annular",
    "2025-03-29 10:48:36": "partial",
    "2025-09-21 19:43:04": "partial",
    "2026-02-17 12:13:06": "annular",
    "2026-08-12 17:47:06": "total",
    "2027-02-06 16:00:48": "annular",
    "2027-08-02 10:07:50": "total",
    "2028-01-26 15:08:59": "annular",
    "2028-07-22 02:56:40": "total",
    "2029-01-14 17:13:48": "partial",
    "2029-06-12 04:06:13": "partial",
    "2029-07-11 15:37:19": "partial",
    "2029-12-05 15:03:58": "partial",
    "2030-06-01 06:29:13": "annular",
    "2030-11-25 06:51:37": "total",
}

LUNAR_ECLIPSES = {
    "2024-03-25 07:13": "penumbral",
    "2024-09-18 02:44": "partial",
    "2025-03-14 06:59": "total",
    "2025-09-07 18:12": "total",
    "2026-03-03 11:33": "total",
    "2026-08-28 04:13": "partial",
    "2027-02-20 23:13": "penumbral",
    # Of magnitude 0.03: the Moon only just touches the penumbra.
    "2027-07-18 16:03": "penumbral",
    "2027-08-17 07:14": "penumbral",
    "2028-01-12 04:13": "partial",
    "2028-07-06 18:19": "partial",
    "2028-12-31 16:52": "total",
    "2029-06-26 03:22": "total",
    "2029-12-20 22:42": "total",
    "2030-06-15 18:33": "partial",
    "2030-12-09 22:27": "penumbral",
}

SEASONS = {
    "march_equinox": [
        "2024-03-20 03:06",
        "2025-03-20 09:01",
        "2026-03-20 14:46",
        "2027-03-20 20:25",
        "2028-03-20 02:17",
        "2029-03-20 08:02",
        "2030-03-20 13:52",
    ],
    "june_solstice": [
        "2024-06-20 20:51",
        "2025-06-21 02:42",
        "2026-06-21 08:24",
        "2027-06-21 14:11",
        "2028-06-20 20:02",
        "2029-06-21 01:48",
        "2030-06-21 07:31",
    ],
    "september_equinox": [
        "2024-09-22 12:44",
        "2025-09-22 18:19",
        "2026-09-23 00:05",
        "2027-09-23 06:02",
        "2028-09-22 11:45",
        "2029-09-22 17:38",
        "2030-09-22 23:27",
    ],
    "december_solstice": [
        "2024-12-21 09:20",
        "2025-12-21 15:03",
        "2026-12-21 20:50",
        "2027-12-22 02:42",
        "2028-12-21 08:19",
        "2029-12-21 14:14",
        "2030-12-21 20:09",
    ],
}

EARTH_APSIDES = {
    "perihelion": [
        "2024-01-03 00:38",
        "2025-01-04 13:28",
        "2026-01-03 17:15",
        "2027-01-03 02:33",
        "2028-01-05 12:28",
        "2029-01-02 18:13",
        "2030-01-03 10:12",
    ],
    "aphelion": [
        "2024-07-05 05:06",
        "2025-07-03 19:55",
        "2026-07-06 17:30",
        "2027-07-05 05:06",
        "2028-07-03 22:18",
        "2029-07-06 05:12",
        "2030-07-04 12:57",
    ],
}

MOON_PHASES = {
    "2024-01-18 03:52": "first_quarter",
    "2024-01-25 17:54": "full",
    "2025-11-05 13:19": "full",
    "2026-06-29 23:56": "full",
    "2026-08-12 17:37": "new",
    "2026-08-28 04:18": "full",
}
