"""api.wheretheiss.at/v1 as it was recorded."""

import math
import re
from typing import Any, ClassVar

from aiohttp import web

from tests.upstreams import elements, iss
from tests.upstreams.base import Answer, Simulator, json_answer, text_answer
from tests.upstreams.calls import Limit
from tests.upstreams.faults import Fault

# The upstream multiplies with these six digits, and the footprint too.
MILES_PER_KM = 0.621371
KILOMETERS, MILES = "kilometers", "miles"
_WINDOW = Limit(calls=350, window_s=300)
# The service gives out new elements several times a day.
_ELEMENTS_EVERY_S = 8 * 3_600


class WhereTheIss(Simulator):
    """The position of one satellite, 25544, for any time.

    Its documentation speaks of "roughly 1 request per second": two in one second are let pass.
    """

    name = "wheretheiss"
    setting = "CASSIOPEIA_WHERETHEISS_URL"
    root = "/v1"
    limits = (_WINDOW, Limit(calls=2, window_s=1))
    vital_keys = ("latitude", "longitude", "timestamp", "line1", "line2")
    inapplicable: ClassVar = frozenset({Fault.NOT_UPDATED_403, Fault.NOT_UPDATED_200})

    def headers(self) -> dict[str, str]:
        """Return the headers that were recorded; the spelling is the upstream's."""
        used = self.log.recent(_WINDOW.window_s, self.clock())
        return {
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": "max-age=0, no-cache",
            "X-Apache-Time": "D=12345",
            "X-Rate-Limit-Limit": str(_WINDOW.calls),
            "X-Rate-Limit-Interval": "5 minutes",
            "X-Rate-Limit-Remaining": str(max(0, _WINDOW.calls - used)),
        }

    async def answer(self, request: web.Request, path: str) -> Answer:
        """Return the answer of the healthy service."""
        if request.method != "GET":
            return self.error(401, "authorization required")
        controller, *rest = path.strip("/").split("/")
        if controller != "satellites":
            return self.error(404, f"Invalid controller specified ({controller})")
        if not rest:
            return json_answer([{"name": "iss", "id": 25544}])
        return self._satellite(request, *rest)

    def _satellite(
        self, request: web.Request, satellite: str, what: str = "", *more: str
    ) -> Answer:
        # What follows the number is ignored, and echoed by /tles.
        if more or not re.match(r"25544(?!\d)", satellite):
            return self.error(404, "satellite not found")
        match what:
            case "":
                asked = request.query.get("timestamp", str(int(self.now)))
                return self._records(request, [asked], single=True)
            case "positions":
                # Ten are documented as the most, eleven were answered.
                return self._records(request, request.query.get("timestamps", "").split(","))
            case "tles":
                return self._tles(request, satellite)
            case _:
                return self.error(404, f"Invalid controller specified ({what})")

    def _records(
        self, request: web.Request, timestamps: list[str], *, single: bool = False
    ) -> Answer:
        units = request.query.get("units", KILOMETERS)
        if units not in (KILOMETERS, MILES):
            return self.error(400, "Invalid Unit Provided")
        for timestamp in timestamps:
            if not re.fullmatch(r"\d+(\.\d+)?", timestamp):
                return self.error(400, f"invalid timestamp in list: {timestamp}")
        records = [self.record(float(timestamp), units) for timestamp in timestamps]
        return json_answer(records[0] if single else records)

    def record(self, timestamp: float, units: str = KILOMETERS) -> dict[str, Any]:
        """Return the position object of a Unix time, with what is wrong at present."""
        seconds = int(timestamp) * (1_000 if self.fault is Fault.MILLISECONDS else 1)
        in_miles = units == MILES or self.fault in (Fault.MILES, Fault.MILES_AS_KILOMETERS)
        scale = MILES_PER_KM if in_miles else 1.0
        place = iss.place(seconds)
        solar_lat, solar_lon = iss.subsolar(seconds)
        footprint = 12_756.33 * math.acos(6378.135 / (6378.135 + place.altitude))
        return self.spoil(
            {
                "name": "iss",
                "id": 25544,
                "latitude": _digits(place.latitude),
                "longitude": _digits(place.longitude),
                "altitude": _digits(place.altitude * scale),
                "velocity": _digits(iss.SPEED_KMH * scale),
                # "visible", to an observer in California, is left out: it needs a night there.
                "visibility": "daylight" if place.sunlit else "eclipsed",
                "footprint": _digits(footprint * scale),
                "timestamp": seconds,
                "daynum": _digits(seconds / iss.DAY_S + 2_440_587.5),
                "solar_lat": _digits(solar_lat),
                "solar_lon": _digits(solar_lon),
                "units": MILES
                if in_miles and self.fault is not Fault.MILES_AS_KILOMETERS
                else KILOMETERS,
            }
        )

    def _tles(self, request: web.Request, satellite: str) -> Answer:
        epoch = self.now - self.now % _ELEMENTS_EVERY_S
        line1, line2 = elements.two_lines(elements.omm(epoch))
        if request.query.get("format") == "text":
            return text_answer(f"{elements.NAME}\n{line1}\n{line2}\n")
        record = {
            "requested_timestamp": int(self.now),
            "tle_timestamp": round(epoch),
            "id": satellite,
            "name": "iss",
            "header": elements.NAME,
            "line1": line1,
            "line2": line2,
        }
        return json_answer(self.spoil(record))


def _digits(value: float) -> float:
    """Keep fourteen digits, as the upstream does."""
    return float(f"{value:.14g}")
