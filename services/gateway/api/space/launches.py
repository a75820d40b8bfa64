"""`/api/v1/space/launches`: rocket launches."""

from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from aiohttp import web
from pydantic import Field

from libs.common.events import LaunchEvent
from services.gateway.api.cached import (
    PageParams,
    Window,
    cached,
    feed_ready,
    newest_of,
    send_cached,
)
from services.gateway.cache import Kind
from services.gateway.feeds.appointments import launches_calendar
from services.gateway.feeds.news import launch_entry
from services.gateway.keys import CLOCK, REPOSITORIES
from services.gateway.models.space import LaunchesPage, LaunchShown
from services.gateway.ready import Ready
from services.gateway.repositories.space import LaunchFilter
from services.gateway.routing import ATOM, CALENDAR, Params, Route, Text

# An upcoming launch becomes a past one without any event.
LAUNCHES = Kind("space_launches", fresh_s=300.0, changed_by=frozenset({LaunchEvent.TYPE}))
_CACHE = "5 minutes, or until the list changes"
_AWAY = (HTTPStatus.SERVICE_UNAVAILABLE,)
FEED_LENGTH = 50
# A launch stays in the calendar after it has happened, so that its outcome gets there.
CALENDAR_BEHIND = timedelta(days=30)
CALENDAR_LENGTH = 300


class When(StrEnum):
    """Whether launches are upcoming, past, or either."""

    UPCOMING = "upcoming"
    PAST = "past"
    ALL = "all"


class ProviderParams(Params):
    """Whose launches."""

    provider: Text | None = Field(
        default=None, description="Who launches, in any case.", examples=["SpaceX"]
    )


class LaunchesParams(PageParams, Window, ProviderParams):
    """A page of launches; the window is one of `net`."""

    when: When = Field(
        default=When.UPCOMING, description="Upcoming ones come next first, others last first."
    )

    def which(self, now: datetime) -> LaunchFilter:
        """Return the filter in the form that the repository takes."""
        since, until = self.since, self.until
        if self.when is When.UPCOMING:
            since = max(since, now) if since else now
        elif self.when is When.PAST:
            until = min(until, now) if until else now
        return LaunchFilter(
            since=since,
            until=until,
            provider=self.provider,
            next_first=self.when is When.UPCOMING,
        )


class LaunchParams(Params):
    """Which launch."""

    launch_id: Text = Field(examples=["e3df2ecd-c239-472f-95e4-2b89b4f75800"])


async def launches(app: web.Application, params: LaunchesParams) -> LaunchesPage:
    """Return rocket launches: upcoming ones with the next first, others with the last first."""
    found = await app[REPOSITORIES].space.launches(
        params.which(app[CLOCK].now()), cursor=params.cursor, limit=params.limit
    )
    return LaunchesPage(items=found.items, next=found.next)


async def launch(app: web.Application, params: LaunchParams) -> LaunchShown | None:
    """Return one rocket launch."""
    return await app[REPOSITORIES].space.launch(params.launch_id)


async def calendar(request: web.Request, params: ProviderParams) -> web.StreamResponse:
    """Answer the launches since a month ago, announced ones included, as a calendar."""

    async def make() -> Ready:
        since = request.app[CLOCK].now() - CALENDAR_BEHIND
        found = await request.app[REPOSITORIES].space.launches(
            LaunchFilter(since=since, provider=params.provider), limit=CALENDAR_LENGTH
        )
        body = launches_calendar(found.items)
        # The listed launches change as time goes on, even without a newer row.
        now = request.app[CLOCK].now()
        return Ready.of(body, newest_of(request, found.items), changed_at=now, media=CALENDAR)

    return await send_cached(request, LAUNCHES, params, make)


async def feed(request: web.Request, params: ProviderParams) -> web.StreamResponse:
    """Answer the next launches as a feed."""

    async def make() -> Ready:
        found = await request.app[REPOSITORIES].space.launches(
            LaunchFilter(since=request.app[CLOCK].now(), provider=params.provider),
            limit=FEED_LENGTH,
        )
        entries = [launch_entry(one) for one in found.items]
        return feed_ready(request, params, "Rocket launches", entries, found.items)

    return await send_cached(request, LAUNCHES, params, make)


ROUTES = (
    Route(
        path="/api/v1/space/launches",
        handler=cached(LAUNCHES, launches),
        summary="Rocket launches, upcoming or past.",
        tag="space",
        params=LaunchesParams,
        answer=LaunchesPage,
        graph={"launches": launches},
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/space/launches.ics",
        handler=calendar,
        summary="Launches as a calendar to subscribe to.",
        tag="space",
        params=ProviderParams,
        media=CALENDAR,
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/space/launches.atom",
        handler=feed,
        summary="The next launches, as an Atom feed.",
        tag="space",
        params=ProviderParams,
        media=ATOM,
        problems=_AWAY,
        cache=_CACHE,
    ),
    Route(
        path="/api/v1/space/launches/{launch_id}",
        handler=cached(LAUNCHES, launch),
        summary="One launch.",
        tag="space",
        params=LaunchParams,
        answer=LaunchShown,
        graph={"launch": launch},
        problems=(HTTPStatus.NOT_FOUND, *_AWAY),
        cache=_CACHE,
    ),
)
