"""api.astronomyapi.com/api/v2: `/bodies/events/{sun|moon}` as its documentation shows it."""

import base64
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, ClassVar

import astronomy
from aiohttp import web

from tests.upstreams.base import Answer, Simulator, json_answer
from tests.upstreams.faults import Fault

_REQUIRED = ("latitude", "longitude", "elevation", "from_date", "to_date", "time")
_LONGEST = timedelta(days=366)
# Its samples have one offset in winter and in summer, wherever the place is.
_OFFSET = timezone(timedelta(hours=-5))
_DENIED = {"Message": "User is not authorized to access this resource with an explicit deny"}


class AstronomyApi(Simulator):
    """The eclipses that a place sees, some seconds off, with the keys misspelt as in its samples.

    Attributes:
        application_id: Of the one application that is known.
        secret: That belongs to it.
        off_by_s: How far its moments are from the truth.
        extra: Events that it lists besides, by body (`sun`, `moon`).
        misspelt: Write `patialEnd` and `pemumbralStart`, as its samples do.
    """

    name = "astronomyapi"
    setting = "CASSIOPEIA_ASTRONOMYAPI_URL"
    root = "/api/v2"
    vital_keys = ("eventHighlights",)
    inapplicable: ClassVar = frozenset(
        {
            # A calendar speaks of the years that it is asked for.
            Fault.STALE,
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
        application_id: str = "3f0c5b1e-8a53-4d3a-9d8e-5f5d6a1b2c3d",
        secret: str = "not-a-secret-of-anybody",
        enforce_limits: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(enforce_limits=enforce_limits, clock=clock)
        self.application_id = application_id
        self.secret = secret
        self.off_by_s = 20.0
        self.extra: dict[str, list[Any]] = {"sun": [], "moon": []}
        self.misspelt = True

    @property
    def token(self) -> str:
        """The credentials as they travel."""
        return base64.b64encode(f"{self.application_id}:{self.secret}".encode()).decode()

    def error(self, status: int, text: str) -> Answer:
        """Return an error in the gateway's words."""
        return json_answer({"message": text}, status)

    async def answer(self, request: web.Request, path: str) -> Answer:
        """Return what the healthy upstream says; a wrong path is taken for wrong authorization."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        body = path.removeprefix("/bodies/events/")
        if path == body or body not in self.extra or scheme != "Basic":
            text = (
                f"'{token}' not a valid key=value pair (missing equal-sign) in Authorization"
                f" header: '{scheme} {token}'."
            )
            return self.error(403, text)
        if token != self.token:
            return json_answer(_DENIED, 403)
        return self._events(request, body)

    def _events(self, request: web.Request, body: str) -> Answer:
        query = request.query
        for name in _REQUIRED:
            if not query.get(name):
                return _unprocessable(f'requires property "{name}"', dict(query))
        try:
            first, last = (date.fromisoformat(query[name]) for name in ("from_date", "to_date"))
            place = [float(query[name]) for name in ("latitude", "longitude", "elevation")]
        except ValueError:
            return _unprocessable("does not match the format", dict(query))
        if not timedelta(0) <= last - first <= _LONGEST or not abs(place[0]) <= 90:
            return _unprocessable("is out of range", dict(query))
        start, end = _midnight(first), _midnight(last)
        observer = astronomy.Observer(*place)
        search = self._solar if body == "sun" else self._lunar
        events = [self.spoil(event) for event in search(start, end, observer)]
        row = {"id": body, "name": body.capitalize()}
        data: dict[str, Any] = {
            "dates": {"from": _text(start), "to": _text(end)},
            "observer": {
                "location": {"longitude": place[1], "latitude": place[0], "elevation": place[2]}
            },
        }
        listed = [*events, *self.extra[body]]
        if query.get("output") == "rows":
            data["rows"] = [{"body": row, "events": listed}]
        else:
            data["table"] = {"header": [_text(start)], "rows": [{"entry": row, "cells": listed}]}
        return json_answer({"data": data})

    def _solar(self, start: datetime, end: datetime, observer: Any) -> Iterator[dict[str, Any]]:
        found = astronomy.SearchLocalSolarEclipse(_time(start), observer)
        while _moment(found.peak.time) < end:
            highlights = {
                "partialStart": self._highlight(found.partial_begin),
                "totalStart": self._highlight(found.total_begin),
                "peak": self._highlight(found.peak),
                "totalEnd": self._highlight(found.total_end),
                "patialEnd" if self.misspelt else "partialEnd": self._highlight(found.partial_end),
            }
            kind = f"{found.kind.name.lower()}_solar_eclipse"
            yield _event(kind, highlights, found.obscuration, _moment(found.peak.time))
            found = astronomy.NextLocalSolarEclipse(found.peak.time, observer)

    def _lunar(self, start: datetime, end: datetime, observer: Any) -> Iterator[dict[str, Any]]:
        found = astronomy.SearchLunarEclipse(_time(start))
        while _moment(found.peak) < end:
            penumbral = "pemumbral" if self.misspelt else "penumbral"
            halves = {
                penumbral: found.sd_penum,
                "partial": found.sd_partial,
                "full": found.sd_total,
            }
            highlights: dict[str, Any] = {}
            for name, minutes in halves.items():
                for word, sign in (("Start", -1), ("End", 1)):
                    at = found.peak.AddDays(sign * minutes / 1_440)
                    highlights[name + word] = self._moon(at, observer) if minutes else None
            highlights["peak"] = self._moon(found.peak, observer)
            if any(moment and moment["altitude"] > 0 for moment in highlights.values()):
                kind = f"{found.kind.name.lower()}_lunar_eclipse"
                yield _event(kind, highlights, found.obscuration, _moment(found.peak))
            found = astronomy.NextLunarEclipse(found.peak)

    def _moon(self, at: Any, observer: Any) -> dict[str, Any]:
        seen = astronomy.Equator(astronomy.Body.Moon, at, observer, ofdate=True, aberration=True)
        there = astronomy.Horizon(at, observer, seen.ra, seen.dec, astronomy.Refraction.Airless)
        return self._moment_at(at, there.altitude)

    def _highlight(self, event: Any) -> dict[str, Any] | None:
        return None if event is None else self._moment_at(event.time, event.altitude)

    def _moment_at(self, at: Any, altitude: float) -> dict[str, Any]:
        moment = _moment(at) + timedelta(seconds=self.off_by_s)
        return {"date": _text(moment), "altitude": round(altitude, 2)}


def _event(
    kind: str, highlights: dict[str, Any], obscuration: float, peak: datetime
) -> dict[str, Any]:
    return {
        "type": kind,
        "eventHighlights": highlights,
        "rise": _zulu(peak - timedelta(hours=7)),
        "set": _zulu(peak + timedelta(hours=6)),
        "extraInfo": {"obscuration": round(obscuration, 3)},
    }


def _unprocessable(complaint: str, asked: dict[str, str]) -> Answer:
    error = {
        "path": [],
        "property": "instance",
        "message": complaint,
        "schema": {"required": list(_REQUIRED)},
        "instance": asked,
        "name": "required",
        "stack": f"instance {complaint}",
    }
    return json_answer({"statusCode": 422, "errors": [error]}, 422)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _time(moment: datetime) -> Any:
    return astronomy.Time((moment - datetime(2000, 1, 1, 12, tzinfo=UTC)) / timedelta(days=1))


def _moment(at: Any) -> datetime:
    moment: datetime = at.Utc()
    return moment.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(_OFFSET).isoformat(timespec="milliseconds")


def _zulu(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
