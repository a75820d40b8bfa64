"""The current space documents: picture, asteroids, space weather, launches."""

from datetime import UTC, datetime, time, timedelta

from libs.common.events import (
    ApodEvent,
    CoronalMassEjectionEvent,
    Event,
    LaunchEvent,
    NearEarthObjectEvent,
    SolarFlareEvent,
)
from services.gateway.latest.things import Things
from services.gateway.latest.view import start_of_day

# The windows of the earlier systems: days before today.
NEO_DAYS = 2
SUN_DAYS = 5
# A launch is shown as past for as long as Launch Library lists it.
LAUNCHED_FOR = timedelta(days=1)
# What Launch Library calls the operator of the earlier systems' next launch.
SPACEX = "SpaceX"
# About 20 asteroids a day and 400 announced launches are usual; a record is 2 to 10 KB.
_MOST = 1_000


def _approach_day(event: NearEarthObjectEvent) -> datetime:
    return datetime.combine(event.data.approach_date, time(), UTC)


class LatestSpace:
    """The newest picture, and the newest version of everything within its window."""

    def __init__(self) -> None:
        self.picture: ApodEvent | None = None
        self.approaches: Things[NearEarthObjectEvent] = Things(_approach_day, _MOST)
        self.flares: Things[SolarFlareEvent] = Things(lambda each: each.data.begin_time, _MOST)
        self.ejections: Things[CoronalMassEjectionEvent] = Things(
            lambda each: each.data.start_time, _MOST
        )
        self.launches: Things[LaunchEvent] = Things(lambda each: each.data.net, _MOST)

    @property
    def version(self) -> object:
        """A value that differs after every change."""
        return (
            self.picture,
            self.approaches.version,
            self.flares.version,
            self.ejections.version,
            self.launches.version,
        )

    def add(self, event: Event, now: datetime) -> None:
        """Take an event; events of other resources are ignored."""
        match event:
            case ApodEvent():
                self._add_picture(event)
            case NearEarthObjectEvent():
                self.approaches.add(event, now)
            case SolarFlareEvent():
                self.flares.add(event, now)
            case CoronalMassEjectionEvent():
                self.ejections.add(event, now)
            case LaunchEvent():
                self.launches.add(event, now)

    def _add_picture(self, event: ApodEvent) -> None:
        known = self.picture
        if known is None or (event.data.picture_date, event.fetchedat) > (
            known.data.picture_date,
            known.fetchedat,
        ):
            self.picture = event

    def approaches_at(self, now: datetime) -> list[NearEarthObjectEvent]:
        """Return the passages since two days before today, upcoming ones included."""
        start = start_of_day(now) - timedelta(days=NEO_DAYS)
        self.approaches.forget_before(start)
        return self.approaches.between(start)

    def flares_at(self, now: datetime) -> list[SolarFlareEvent]:
        """Return the flares since five days before today."""
        start = start_of_day(now) - timedelta(days=SUN_DAYS)
        self.flares.forget_before(start)
        return self.flares.between(start)

    def ejections_at(self, now: datetime) -> list[CoronalMassEjectionEvent]:
        """Return the mass ejections since five days before today."""
        start = start_of_day(now) - timedelta(days=SUN_DAYS)
        self.ejections.forget_before(start)
        return self.ejections.between(start)

    def launches_at(self, now: datetime) -> list[LaunchEvent]:
        """Return the launches to come, the next first."""
        self.launches.forget_before(now - LAUNCHED_FOR)
        return self.launches.between(now)

    def next_by(self, provider: str, now: datetime) -> LaunchEvent | None:
        """Return the next launch of an operator."""
        upcoming = self.launches_at(now)
        return next((each for each in upcoming if each.data.provider_name == provider), None)
