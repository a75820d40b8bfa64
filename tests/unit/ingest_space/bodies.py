"""Bodies as the upstreams send them, written from the facts."""

from datetime import UTC, date, datetime
from typing import Any

from libs.common.events import Origin, Provenance
from tests.upstreams import nasa_records
from tests.upstreams.launchlibrary import LaunchLibrary

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIVE = Provenance("api.nasa.gov", Origin.LIVE, NOW)
DAY = date(2026, 3, 1)

PICTURE: dict[str, Any] = {
    "date": "2026-03-01",
    "title": "A Bridge of Dust",
    "explanation": "What holds it?  Nobody\nknows.",
    "media_type": "image",
    "service_version": "v1",
    "url": "http://apod.nasa.gov/apod/image/2603/Bridge_960.jpg",
    "hdurl": "https://apod.nasa.gov/apod/image/2603/Bridge_4096.jpg",
    "copyright": "\nAda Example\n(Sky\nClub)",
}
ASTEROID: dict[str, Any] = nasa_records.objects(DAY)[2]
FLARE: dict[str, Any] = nasa_records.flares(DAY)[0]
# That day has an analysis, with a forecast.
EJECTION: dict[str, Any] = nasa_records.ejections(DAY)[0]
LAUNCH: dict[str, Any] = LaunchLibrary(count=2, clock=NOW.timestamp).launches[1]


def feed(*asteroids: Any) -> dict[str, Any]:
    """Return a feed of one day."""
    return {
        "links": {"self": "http://api.nasa.gov/neo/rest/v1/feed?api_key=SECRET123"},
        "element_count": len(asteroids),
        "near_earth_objects": {DAY.isoformat(): list(asteroids)},
    }


def page(*launches: Any, following: str | None = None) -> dict[str, Any]:
    """Return a page of launches."""
    return {"count": len(launches), "next": following, "previous": None, "results": [*launches]}
