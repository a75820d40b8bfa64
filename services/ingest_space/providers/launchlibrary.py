"""Launch Library 2: planned launches, and those of the last day."""

import json

from libs.common.errors import (
    BodyRejectedError,
    RateLimitedError,
    RequestRejectedError,
    UpstreamError,
)
from libs.common.events import Event, Origin
from libs.common.polling.budget import Limit
from libs.common.polling.providers import Reading, Reject, rejects_of
from libs.common.upstream.client import UpstreamClient
from libs.common.waits import bounded_wait
from services.ingest_space.normalize import launch_events, next_page, read_throttle
from services.ingest_space.providers.reading import read_page

# The published limit of an address without a token. Tokens have other limits; this one is enough.
LIMITS = (Limit(calls=15, period_s=3_600.0),)
# Asking for the throttle is free; this limit bounds the harm of a bug of ours.
THROTTLE_LIMITS = (Limit(calls=60, period_s=3_600.0),)
# The largest page allowed. About 350 launches are planned at any time; twice as many still leave
# some of the hour's calls for a request for fresh data.
PAGE_LENGTH = 100
MAX_PAGES = 8
_PATH = "/launches/upcoming/"
_FIRST_PAGE = {
    "limit": str(PAGE_LENGTH),
    "ordering": "net",
    # The `list` mode lacks company, rocket, mission and pad; `detailed` is five times as large.
    "mode": "normal",
    # Keeps the launches of the last 24 hours, to learn how they ended.
    "hide_recent_previous": "false",
}


class LaunchLibrary:
    """Launches from ll.thespacedevs.com."""

    name = "launchlibrary"
    origin = Origin.LIVE

    def __init__(self, client: UpstreamClient, free_client: UpstreamClient) -> None:
        self.budget = client.budget
        self._client = client
        self._free_client = free_client

    async def poll(self) -> Reading:
        """Return all launches of at most `MAX_PAGES` pages.

        When a later page fails, the launches of the pages before it are kept, and the next poll
        starts again from the first: trying again at once would use up the calls of the hour. Any
        page that is left out is the source's trouble.

        Raises:
            UpstreamError: The first page fails.
            RateLimitedError: The library says that our address or token has no calls left.
        """
        await self._heed_throttle()
        events: dict[str | None, Event] = {}
        rejects: list[Reject] = []
        trouble: UpstreamError | None = None
        params = _FIRST_PAGE
        for _ in range(MAX_PAGES):
            try:
                answer = await self._client.get_json(_PATH, params)
                reading = read_page(answer, launch_events, self.name)
            except UpstreamError as error:
                if params is _FIRST_PAGE:
                    raise
                trouble = error
                rejects += rejects_of(error)
                break
            # A launch whose time changes between two calls may be on both pages.
            events.update((event.subject, event) for event in reading.events)
            rejects += reading.rejects
            try:
                following = next_page(answer.document, params)
            except ValueError as error:
                trouble = UpstreamError(f"{self.name}: {error}")
                rejects.append(Reject(json.dumps(answer.document["next"]).encode(), str(error)))
                break
            if following is None:
                break
            params = following
        else:
            trouble = UpstreamError(
                f"{self.name} has more than {MAX_PAGES} pages of {PAGE_LENGTH} launches;"
                " those after them are left out"
            )
        return Reading(list(events.values()), rejects, trouble=trouble)

    async def _heed_throttle(self) -> None:
        """Ask for the library's own count, because others may call from the same address."""
        try:
            answer = await self._free_client.get_json("/api-throttle/")
            throttle = answer.read(read_throttle)
        except (BodyRejectedError, RequestRejectedError):
            # The check is only a courtesy; the calls themselves show what is wrong.
            return
        if throttle.used >= throttle.limit:
            # If the library names no time, wait for a quarter of its hour.
            wait_s = bounded_wait(throttle.wait_s) or 900.0
            await self.budget.block(wait_s)
            raise RateLimitedError(
                f"{self.name} has counted {throttle.used} of {throttle.limit} calls;"
                f" the next is allowed in {wait_s:.0f} s",
                wait_s,
            )
