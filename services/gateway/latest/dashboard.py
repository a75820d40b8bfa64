"""The parts of the dashboard's answer, each rendered when it has changed."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel

from libs.common.clock import iso
from libs.common.events import (
    CoronalMassEjectionEvent,
    Event,
    JwstImageEvent,
    NearEarthObjectEvent,
    SolarFlareEvent,
)
from libs.common.polling.sources import SourceStatus
from services.gateway.latest import Latest
from services.gateway.latest.view import ALWAYS, Joined, View, joined, next_day
from services.gateway.models.dashboard import (
    ApproachesNow,
    ImageNow,
    ImagesNow,
    IssNow,
    SpaceNow,
    StudiesNow,
)
from services.gateway.models.feed import EVERYTHING, feed_item
from services.gateway.models.sky import SkyEvents, shown_event
from services.gateway.models.space import Approach, Ejection, Flare, LaunchShown, Picture
from services.gateway.models.told import Told
from services.gateway.positions import Position
from services.gateway.ready import Ready
from services.gateway.trend import trend_of

SKY_DAYS = 30
_MOST_LISTED = 10
_HOUR = timedelta(hours=1)
_FAR = float("inf")

_Told = TypeVar("_Told", bound=Told)
_Part = tuple[bytes, datetime]


class LatestDashboard:
    """Renders the parts, and joins them."""

    def __init__(self, latest: Latest) -> None:
        self._latest = latest
        self._whole = Joined()
        space, sky, images = latest.space, latest.sky, latest.images
        self._views: dict[str, View[bytes]] = {
            "iss": View(self._iss, lambda: latest.iss.newest),
            "osdr": View(self._osdr, lambda: latest.catalogue.known),
            "jwst": View(self._jwst, lambda: images.images.version),
            "astro": View(self._astro, lambda: sky.events.version),
            "space": View(self._space, lambda: space.version),
        }

    def at(self, now: datetime, sources: Iterable[SourceStatus]) -> Ready:
        """Return the dashboard as it is now; requests within one second get the same answer."""
        parts = {name: view.at(now) for name, view in self._views.items()}
        parts["telemetry"] = b"null"
        parts["sources"] = b"[%b]" % b",".join(each.model_dump_json().encode() for each in sources)
        second = now.replace(microsecond=0)
        timestamp = f'"{iso(second)}"'.encode()
        whole = {"success": b"true", "data": joined(parts), "timestamp": timestamp}
        return self._whole.of(whole, second)

    def _iss(self, _: datetime) -> _Part:
        newest = self._latest.iss.newest
        if newest is None:
            return b"null", ALWAYS
        part = IssNow.model_construct(
            id=newest.sequence,
            fetched_at=newest.fetchedat,
            source_url=newest.data.source_url,
            payload=newest.data.upstream_body,
            position=Position.of_event(newest),
            trend=trend_of(self._latest.iss.recent(2)),
        )
        return _json(part), ALWAYS

    def _osdr(self, _: datetime) -> _Part:
        known = self._latest.catalogue.known
        return _json(StudiesNow(count=known.count, items=list(known.newest))), ALWAYS

    def _jwst(self, now: datetime) -> _Part:
        items = [_image(event) for event in self._latest.images.newest(now)]
        return _json(ImagesNow(source=EVERYTHING, count=len(items), items=items)), ALWAYS

    def _astro(self, now: datetime) -> _Part:
        window = timedelta(days=SKY_DAYS)
        events = self._latest.sky.next_at(now, window)[:_MOST_LISTED]
        part = SkyEvents(
            events=[
                shown_event(
                    each.data,
                    Told(
                        time=each.time,
                        fetched_at=each.fetchedat,
                        origin=each.origin,
                        provider=each.provider,
                    ),
                )
                for each in events
            ],
            location=None,
            days=SKY_DAYS,
            since=now,
            until=now + window,
        )
        # Once the first event has passed another one is next, and every hour brings later ones.
        return _json(part), min([now + _HOUR, *(each.time for each in events)])

    def _space(self, now: datetime) -> _Part:
        space = self._latest.space
        launches = space.launches_at(now)[:_MOST_LISTED]
        part = SpaceNow.model_construct(
            apod=None if space.picture is None else _shown(Picture, space.picture),
            neo=_approaches(space.approaches_at(now)),
            flares=_flares(space.flares_at(now)),
            cmes=_ejections(space.ejections_at(now)),
            launches=[_shown(LaunchShown, each) for each in launches],
        )
        return _json(part), min([next_day(now), *(each.data.net for each in launches)])


def _json(part: BaseModel) -> bytes:
    return part.model_dump_json(by_alias=True).encode()


def _shown(model: type[_Told], event: Event) -> _Told:
    """Return an event as a model whose fields have the same names as those of the payload."""
    values: dict[str, Any] = {
        "time": event.time,
        "fetched_at": event.fetchedat,
        "stored_at": None,
        "origin": event.origin,
        "provider": event.provider,
    }
    values |= {name: getattr(event.data, name) for name in model.model_fields if name not in values}
    return model.model_validate(values)


def _image(event: JwstImageEvent) -> ImageNow:
    image = event.data
    return ImageNow(
        **feed_item(image).model_dump(),
        image_id=image.image_id,
        time=event.time,
        thumbnail=f"/api/v1/jwst/images/{image.image_id}/thumbnail",
    )


def _approaches(events: list[NearEarthObjectEvent]) -> ApproachesNow:
    def distance_km(event: NearEarthObjectEvent) -> float:
        known = event.data.miss_distance_km
        return _FAR if known is None else known

    closest = min(events, key=distance_km, default=None)
    return ApproachesNow.model_construct(
        count=len(events),
        hazardous=sum(bool(each.data.is_potentially_hazardous) for each in events),
        closest=None if closest is None else _shown(Approach, closest),
    )


def _flares(events: list[SolarFlareEvent]) -> list[Flare]:
    return [_shown(Flare, each) for each in reversed(events[-_MOST_LISTED:])]


def _ejections(events: list[CoronalMassEjectionEvent]) -> list[Ejection]:
    return [_shown(Ejection, each) for each in reversed(events[-_MOST_LISTED:])]
