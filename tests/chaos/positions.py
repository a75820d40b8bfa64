"""Positions as wheretheiss.at would give them, as many and as dense as a load needs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

from libs.common.events import IssPosition, IssPositionEvent, Origin, Provenance
from tests.upstreams.iss import SPEED_KMH, place, subsolar

NORAD_ID = 25_544
SOURCE_URL = f"https://api.wheretheiss.at/v1/satellites/{NORAD_ID}"
# 100,000 events cover five and a half hours.
SPACING = timedelta(milliseconds=200)
# What the real one needs to answer.
ANSWER_TIME = timedelta(milliseconds=180)
# The real bodies have 14 significant digits at most.
_DECIMALS = 11


def position(time: datetime) -> IssPositionEvent:
    """Return where the station is at a time, as an event of about 1,000 bytes."""
    seconds = time.timestamp()
    at, (sun_latitude, sun_longitude) = place(seconds), subsolar(seconds)
    visibility: Literal["daylight", "eclipsed"] = "daylight" if at.sunlit else "eclipsed"
    latitude, longitude = round(at.latitude, _DECIMALS), round(at.longitude, _DECIMALS)
    altitude, velocity = round(at.altitude, _DECIMALS), round(SPEED_KMH, _DECIMALS)
    # The circle grows with the height; its exact size is of no use here.
    footprint = round(10.6 * at.altitude, _DECIMALS)
    data = IssPosition(
        norad_id=NORAD_ID,
        name="iss",
        latitude_deg=latitude,
        longitude_deg=longitude,
        altitude_km=altitude,
        velocity_kmh=velocity,
        footprint_km=footprint,
        visibility=visibility,
        solar_latitude_deg=sun_latitude,
        solar_longitude_deg=(sun_longitude + 180) % 360 - 180,
        source_url=SOURCE_URL,
        upstream_body={
            "name": "iss",
            "id": NORAD_ID,
            "latitude": latitude,
            "longitude": longitude,
            "altitude": altitude,
            "velocity": velocity,
            "visibility": visibility,
            "footprint": footprint,
            "timestamp": int(seconds),
            "daynum": round(seconds / 86_400 + 2_440_587.5, 7),
            "solar_lat": round(sun_latitude, _DECIMALS),
            "solar_lon": round(sun_longitude, _DECIMALS),
            "units": "kilometers",
        },
    )
    provenance = Provenance("wheretheiss.at", Origin.LIVE, time + ANSWER_TIME)
    return IssPositionEvent.of_position(data, time=time, provenance=provenance)


def times(count: int, *, until: datetime | None = None) -> list[datetime]:
    """Return that many times, `SPACING` apart, in ascending order and ending at `until` (now)."""
    last = until or datetime.now(UTC).replace(microsecond=0)
    return [last - (count - 1 - index) * SPACING for index in range(count)]


def positions(count: int, *, until: datetime | None = None) -> Iterator[IssPositionEvent]:
    """Make the positions of that many times, one after the other."""
    return map(position, times(count, until=until))
