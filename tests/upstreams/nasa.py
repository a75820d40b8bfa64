"""api.nasa.gov as it was recorded: APOD, NeoWs and DONKI behind one gateway with one limit."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from aiohttp import web

from tests.upstreams import nasa_records as records
from tests.upstreams.base import Answer, Simulator, json_answer
from tests.upstreams.calls import CallLog, Limit
from tests.upstreams.faults import Fault

_HOUR_S = 3_600
_DAY_S = 86_400
KEY_LIMITS = (Limit(calls=1_000, window_s=_HOUR_S),)
DEMO_LIMITS = (Limit(calls=30, window_s=_HOUR_S), Limit(calls=50, window_s=_DAY_S))
_FIRST_PICTURE = date(1995, 6, 16)
_LONGEST_FEED = timedelta(days=7)
_CONTACT = "https://api.nasa.gov:443/contact/ for assistance"


class Nasa(Simulator):
    """Pictures, asteroids, flares and mass ejections of any day.

    Attributes:
        key: The one key that is known; None where every key is.
        pictures_until: The last day that has a picture; None for today.
        revisions: Fields by id (`flrID`, `activityID`, the asteroid's id, the picture's date) that
            have been changed since.
        without_body: Answer an empty body where DONKI has nothing.
        real_limit: Calls an hour that the headers speak of, where that is not the published limit.
    """

    name = "nasa"
    setting = "CASSIOPEIA_NASA_URL"
    vital_keys = ("date", "close_approach_data", "flrID", "activityID")
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
        key: str | None = None,
        demo: bool = True,
        enforce_limits: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(enforce_limits=enforce_limits, clock=clock)
        self._limits = DEMO_LIMITS if demo else KEY_LIMITS
        self.log = CallLog(self._limits)
        self.key = key
        self.pictures_until: date | None = None
        self.revisions: dict[str, dict[str, Any]] = {}
        self.without_body = False
        self.real_limit = self._limits[0].calls
        # In place of what follows from the day.
        self.quiet_sun = False

    @property
    def today(self) -> date:
        """The day that the answers speak of, in UTC."""
        return datetime.fromtimestamp(self.now, UTC).date()

    @property
    def keys_in_urls(self) -> int:
        """How many calls had a key in their address, where logs and proxies see it."""
        return sum("api_key" in call.query for call in self.log.calls)

    def headers(self) -> dict[str, str]:
        """Return the headers of the gateway."""
        used = self.log.recent(_HOUR_S, self.clock())
        return {
            "Access-Control-Allow-Origin": "*",
            "X-RateLimit-Limit": str(self.real_limit),
            "X-RateLimit-Remaining": str(max(0, self.real_limit - used)),
        }

    def error(self, status: int, text: str) -> Answer:
        """Return an error as the gateway words it; too many calls come as text/html."""
        if status == web.HTTPTooManyRequests.status_code:
            message = (
                f"You have exceeded your rate limit. Try again later or contact us at {_CONTACT}"
            )
            return replace(
                _gateway_error(status, "OVER_RATE_LIMIT", message), content_type="text/html"
            )
        return json_answer({"code": status, "msg": text, "service_version": "v1"}, status)

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        """Answer a call beyond the limits, with the time until the oldest is forgotten."""
        del request
        now = self.clock()
        oldest = min(call.at for call in self.log.calls if call.at > now - _HOUR_S)
        wait_s = max(1, math.ceil(oldest + _HOUR_S - now))
        answer = self.error(429, "")
        return self._send(replace(answer, headers={"Retry-After": str(wait_s)}))

    async def answer(self, request: web.Request, path: str) -> Answer:
        """Return the answer of the healthy service."""
        key = request.headers.get("X-Api-Key") or request.query.get("api_key", "")
        if refusal := self._refusal(key):
            return refusal
        match path:
            case "/planetary/apod":
                return self._picture(request)
            case "/neo/rest/v1/feed":
                return self._feed(request, key)
            case "/DONKI/FLR":
                return self._activities(request, self.flares)
            case "/DONKI/CME":
                return self._activities(request, self.ejections)
            case _:
                return _gateway_error(404, "NOT_FOUND", "The requested URL was not found.")

    def _refusal(self, key: str) -> Answer | None:
        site = "https://api.nasa.gov:443"
        if not key:
            return _gateway_error(403, "API_KEY_MISSING", f"No api_key was supplied. See {site}")
        if self.key is not None and key != self.key:
            # The real one does not repeat the key; others do.
            return _gateway_error(403, "API_KEY_INVALID", f"No such api_key: {key}. See {site}")
        return None

    def picture(self, day: date) -> dict[str, Any]:
        """Return the picture of a day."""
        return self._revised(records.picture(day), day.isoformat())

    def objects(self, day: date) -> list[dict[str, Any]]:
        """Return the asteroids of a day."""
        return [self._revised(record, record["id"]) for record in records.objects(day)]

    def flares(self, first: date, last: date) -> list[dict[str, Any]]:
        """Return the flares of some days."""
        found = [each for day in records.days(first, last) for each in records.flares(day)]
        return [self._revised(record, record["flrID"]) for record in found]

    def ejections(self, first: date, last: date) -> list[dict[str, Any]]:
        """Return the mass ejections of some days."""
        found = [each for day in records.days(first, last) for each in records.ejections(day)]
        return [self._revised(record, record["activityID"]) for record in found]

    def _revised(self, record: dict[str, Any], number: str) -> dict[str, Any]:
        return record | self.revisions.get(number, {})

    def _picture(self, request: web.Request) -> Answer:
        asked = request.query.get("date")
        day = self._day(asked) if asked else self.today
        if day is None:
            return self.error(400, f"time data '{asked}' does not match format '%Y-%m-%d'")
        if not _FIRST_PICTURE <= day <= self.today:
            return self.error(400, f"Date must be between Jun 16, 1995 and {self.today:%b %d, %Y}.")
        if self.pictures_until and day > self.pictures_until:
            return self.error(404, f"No data available for date: {day.isoformat()}")
        record = self.picture(day)
        if request.query.get("thumbs") != "true":
            record.pop("thumbnail_url", None)
        return json_answer(self.spoil(record))

    def _feed(self, request: web.Request, key: str) -> Answer:
        first = self._day(request.query.get("start_date", self.today.isoformat()))
        last = self._day(request.query.get("end_date", self.today.isoformat()))
        if first is None or last is None or not timedelta(0) <= last - first <= _LONGEST_FEED:
            return self.error(400, "Date Format Exception - Expected format (yyyy-mm-dd)")
        days = {
            day.isoformat(): [self.spoil(_with_key(each, key)) for each in self.objects(day)]
            # In no order, as they come.
            for day in reversed(records.days(first, last))
        }
        base = "http://api.nasa.gov/neo/rest/v1/feed"
        link = f"{base}?start_date={first}&end_date={last}&detailed=false&api_key={key}"
        return json_answer(
            {
                "links": {"next": link, "previous": link, "self": link},
                "element_count": sum(map(len, days.values())),
                "near_earth_objects": days,
            }
        )

    def _activities(
        self, request: web.Request, held: Callable[[date, date], list[dict[str, Any]]]
    ) -> Answer:
        # The default is the last thirty days.
        month_ago = self.today - timedelta(days=30)
        first = self._day(request.query.get("startDate", month_ago.isoformat()))
        last = self._day(request.query.get("endDate", self.today.isoformat()))
        if first is None or last is None:
            return self.error(400, "wrong date")
        found = [] if self.quiet_sun else held(first, min(last, self.today))
        if not found and self.without_body:
            return Answer(b"")
        return json_answer([self.spoil(record) for record in found])

    @staticmethod
    def _day(text: str) -> date | None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None


def _with_key(record: dict[str, Any], key: str) -> dict[str, Any]:
    """Return an asteroid whose link holds the key of whoever asked, as they do."""
    return record | {"links": {"self": f"{record['links']['self']}?api_key={key}"}}


def _gateway_error(status: int, code: str, message: str) -> Answer:
    body = json.dumps({"error": {"code": code, "message": message}}, indent=2)
    return Answer(body.encode(), status)
