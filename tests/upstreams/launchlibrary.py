"""ll.thespacedevs.com/2.3.0 as it was recorded: the upcoming launches, and the count of calls."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid5

from aiohttp import web

from tests.upstreams.base import Answer, Simulator, json_answer
from tests.upstreams.faults import Fault

UPCOMING = "/launches/upcoming/"
THROTTLE = "/api-throttle/"
ANONYMOUS_LIMIT = 15
_HOUR_S = 3_600
_MAX_LIMIT = 100
_COMPANIES = ((121, "SpaceX"), (44, "Roscosmos"), (88, "CASC"), (147, "Rocket Lab"))
_STATUSES = {
    1: ("Go for Launch", "Go"),
    2: ("To Be Determined", "TBD"),
    3: ("Launch Successful", "Success"),
    8: ("To Be Confirmed", "TBC"),
}
_NORMAL_ONLY = (
    "probability",
    "holdreason",
    "failreason",
    "hashtag",
    "launch_service_provider",
    "rocket",
    "mission",
    "pad",
    "webcast_live",
)
_IDS = UUID("6c1ae1a6-7f0b-4c39-8f5e-6f0e2f6f6d10")
# One every 20 hours: two of the last day, and months ahead.
_EVERY = timedelta(hours=20)


class LaunchLibrary(Simulator):
    """Launches at regular times; 15 calls an hour, of which `/api-throttle/` is none.

    Attributes:
        launches: The records, in the order of their times; settable.
        counted: When the calls were made that count.
        other_calls: Calls of others from the same address.
        next_host: Where the link to the next page leads, in place of this host.
    """

    name = "launchlibrary"
    setting = "CASSIOPEIA_LAUNCHLIBRARY_URL"
    root = "/2.3.0"
    vital_keys = ("id", "name", "net")
    inapplicable: ClassVar = frozenset(
        {
            Fault.MILLISECONDS,
            Fault.MILES,
            Fault.MILES_AS_KILOMETERS,
            Fault.NOT_UPDATED_403,
            Fault.NOT_UPDATED_200,
        }
    )

    def __init__(
        self,
        *,
        count: int = 230,
        enforce_limits: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(enforce_limits=enforce_limits, clock=clock)
        start = datetime.fromtimestamp(clock(), UTC).replace(microsecond=0) - _EVERY
        self.launches = [_launch(index, start + index * _EVERY) for index in range(count)]
        self.counted: list[float] = []
        self.other_calls = 0
        self.next_host: str | None = None

    def error(self, status: int, text: str) -> Answer:
        """Return an error as Django's REST framework words it."""
        if status == web.HTTPTooManyRequests.status_code:
            unit = "second" if self.retry_after_s == 1 else "seconds"
            text = f"Request was throttled. Expected available in {self.retry_after_s} {unit}."
        return json_answer({"detail": text}, status)

    @property
    def used(self) -> int:
        """How many calls of the last hour count."""
        return self.other_calls + sum(at > self.clock() - _HOUR_S for at in self.counted)

    async def answer(self, request: web.Request, path: str) -> Answer:
        """Return the answer of the healthy service."""
        if path == THROTTLE:
            return json_answer(self._throttle())
        if path != UPCOMING:
            return self.error(404, "Not found.")
        if self.used >= ANONYMOUS_LIMIT:
            self.log.violations += 1
            if self.enforce_limits:
                wait_s = str(self._wait_s())
                return replace(self.error(429, ""), headers={"Retry-After": wait_s})
        self.counted.append(self.clock())
        return self._page(request)

    def shown(self, *, hide_recent_previous: bool) -> list[dict[str, Any]]:
        """Return the records that are upcoming, those of the last 24 hours among them or not."""
        since = self.now - (0 if hide_recent_previous else 86_400)
        return [each for each in self.launches if _unix(each["net"]) >= since]

    def _page(self, request: web.Request) -> Answer:
        query = request.query
        hidden = query.get("hide_recent_previous", "false").lower() == "true"
        found = self.shown(hide_recent_previous=hidden)
        limit = min(int(query.get("limit", "10")), _MAX_LIMIT)
        offset = int(query.get("offset", "0"))
        page = [
            self.spoil(self._as_of_now(each, query.get("mode", "normal")))
            for each in found[offset : offset + limit]
        ]
        following = request.url.update_query(limit=str(limit), offset=str(offset + limit))
        if self.next_host:
            following = following.with_host(self.next_host)
        return json_answer(
            {
                "count": len(found),
                "next": str(following) if offset + limit < len(found) else None,
                "previous": None,
                "results": page,
            }
        )

    def _as_of_now(self, record: dict[str, Any], mode: str) -> dict[str, Any]:
        if self.fault is Fault.STALE:
            record = record | {"last_updated": _z(datetime.fromtimestamp(self.now, UTC))}
        if mode == "list":
            record = {key: value for key, value in record.items() if key not in _NORMAL_ONLY}
        return record | {"response_mode": mode}

    def _wait_s(self) -> int:
        oldest = min(self.counted, default=self.clock())
        return max(1, int(oldest + _HOUR_S - self.clock()))

    def _throttle(self) -> dict[str, Any]:
        return {
            "your_request_limit": ANONYMOUS_LIMIT,
            "limit_frequency_secs": _HOUR_S,
            "current_use": self.used,
            "next_use_secs": self._wait_s() if self.used >= ANONYMOUS_LIMIT else 0,
            "ident": "127.0.0.1",
        }


def _launch(index: int, net: datetime) -> dict[str, Any]:
    """Return one launch; null, texts and numbers stand where they were seen in real records."""
    number, company = _COMPANIES[index % len(_COMPANIES)]
    launch_id = str(uuid5(_IDS, f"{net:%Y-%m-%dT%H}-{index}"))
    status = 3 if index == 0 else (1, 8, 2)[min(2, index // 10)]
    name, abbrev = _STATUSES[status]
    image = f"https://images.example.org/launch_{index}.jpg"
    return {
        "id": launch_id,
        "url": f"https://ll.thespacedevs.com/2.3.0/launches/{launch_id}/",
        "name": f"Rocket {number} | Payload {index}",
        "response_mode": "normal",
        "slug": f"rocket-{number}-payload-{index}",
        "launch_designator": None,
        "status": {"id": status, "name": name, "abbrev": abbrev, "description": name},
        "last_updated": _z(net - timedelta(days=200 if index > 1 else 2)),
        "net": _z(net),
        "net_precision": None if index % 5 == 4 else {"id": 1, "name": "Minute", "abbrev": "MIN"},
        "window_start": _z(net),
        "window_end": _z(net + timedelta(hours=2)),
        "image": None if index % 4 == 3 else {"id": index, "image_url": image, "credit": None},
        "infographic": None,
        "probability": 85 if index == 1 else None,
        "weather_concerns": None,
        "failreason": "",
        "hashtag": None,
        "launch_service_provider": {"id": number, "name": company, "type": {"name": "Commercial"}},
        "rocket": {"id": index, "configuration": {"name": "R", "full_name": f"Rocket {number}"}},
        "mission": None if index % 6 == 5 else _mission(index),
        "pad": {
            "id": 80,
            "name": "Pad 40",
            # Version 2.2 wrote texts, and some records still have them.
            "latitude": 28.5618 if index % 2 else "28.56180000",
            "longitude": -80.577 if index % 2 else "-80.57700000",
            "location": {"id": 12, "name": "Cape Canaveral, FL, USA"},
        },
        "webcast_live": False,
        "program": [],
    }


def _mission(index: int) -> dict[str, Any]:
    video = {"priority": 10, "url": f"https://www.youtube.com/watch?v=launch{index}"}
    return {
        "id": index,
        "name": f"Payload {index}",
        "type": "Communications",
        "description": "A simulated payload.",
        "orbit": None if index % 7 == 6 else {"id": 8, "name": "Low Earth Orbit", "abbrev": "LEO"},
        "agencies": [],
        "info_urls": [],
        "vid_urls": [video] if index < 3 else [],
    }


def _z(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
