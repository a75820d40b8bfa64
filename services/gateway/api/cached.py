"""What the resources have in common: pages, windows, answers that go through the cache."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Self

from aiohttp import web
from pydantic import BaseModel, Field, model_validator
from yarl import URL

from services.gateway.answers import send_kept, send_model
from services.gateway.cache import Kind, Make
from services.gateway.cursor import InvalidCursorError
from services.gateway.fastlane import FAST_LANE
from services.gateway.feeds.atom import Entry, atom_feed
from services.gateway.keys import CACHE, CLOCK
from services.gateway.models.told import Page, Told
from services.gateway.problems import invalid_parameter
from services.gateway.ready import Ready
from services.gateway.routing import ATOM, Day, Find, Handler, Params, Time

MAX_PAGE = 200
CursorText = Annotated[str, Field(max_length=2_000, pattern=r"^[A-Za-z0-9_-]+$")]


class PageParams(Params):
    """Which page."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = Field(
        default=50, description="Items of a page."
    )
    cursor: CursorText | None = Field(
        default=None, description="`next` of the page before; without it, the first page."
    )

    @property
    def size(self) -> int:
        """The items of a page."""
        return self.limit


class Window(Params):
    """A window of times with a zone: `from` is included, `to` excluded."""

    since: Time | None = Field(default=None, alias="from", examples=["2026-03-01T00:00:00Z"])
    until: Time | None = Field(default=None, alias="to", examples=["2026-04-01T00:00:00Z"])

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        check_order(self.since, self.until)
        return self


class Days(Params):
    """A window of UTC days: `from` and `to` are included."""

    since: Day | None = Field(default=None, alias="from", examples=["2026-03-01"])
    until: Day | None = Field(default=None, alias="to", examples=["2026-03-31"])

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        check_order(self.since, self.until)
        return self


def check_order(since: date | None, until: date | None) -> None:
    """Refuse a window that ends before it begins.

    Raises:
        ProblemError: 422 that names `from`.
    """
    if since is not None and until is not None and since > until:
        raise invalid_parameter("from", "expected a time before `to`")


def cached(kind: Kind, find: Find) -> Handler:
    """Return a handler that answers what `find` returns, through the cache."""

    async def answer(request: web.Request, params: Params) -> web.StreamResponse:
        async def make() -> Ready | None:
            found: BaseModel | None = await find(request.app, params)
            return None if found is None else _found_ready(request, found)

        return await send_cached(request, kind, params, make)

    return answer


def uncached(find: Find) -> Handler:
    """Return a handler that answers what `find` returns at this moment, without the cache."""

    async def answer(request: web.Request, params: Params) -> web.StreamResponse:
        return send_model(request, await find(request.app, params))

    return answer


async def send_cached(
    request: web.Request, kind: Kind, params: BaseModel, make: Make, *, for_now: bool = False
) -> web.StreamResponse:
    """Send the answer that the cache has, or make one and cache it.

    Args:
        request: The request to answer.
        kind: The kind of answer, which says how long it is kept.
        params: What the answer depends on.
        make: Makes the answer when the cache has none.
        for_now: Whether the same request means something else later. Then `params` must hold the
            time, and the fast lane does not learn the request.

    Raises:
        ProblemError: 404 if there is no such thing, 422 if the cursor was not made here.
    """
    app = request.app
    now = app[CLOCK].now()
    resource = request.match_info.route.resource
    # The key names the route, because two routes of one kind may have the same parameters.
    route = resource.canonical if resource else request.path
    key = f"{kind.key(params)}:{route}"
    if not for_now:
        app[FAST_LANE].learn(route, request.raw_path, kind, key)
    try:
        kept = await app[CACHE].get(kind, key, make)
    except InvalidCursorError as error:
        raise invalid_parameter("cursor", str(error)) from None
    return send_kept(request, kept, kind, now)


def _found_ready(request: web.Request, found: BaseModel) -> Ready:
    # A single answer is as old as its row, a page as old as its newest row.
    if isinstance(found, Page):
        return _page_ready(request, found)
    return model_ready(request, found, found.stored_at if isinstance(found, Told) else None)


def _page_ready(request: web.Request, page: Page) -> Ready:
    # A page can change without a newer row: a next page appears, or the total grows.
    return Ready.of(
        page.model_dump_json(by_alias=True).encode(),
        newest_of(request, page.items),
        changed_at=request.app[CLOCK].now(),
        link=link_to_next(request, page.next),
    )


def model_ready(request: web.Request, model: BaseModel, time: datetime | None = None) -> Ready:
    """Return a model as an answer whose age counts from `time`, or from now."""
    moment = time or request.app[CLOCK].now()
    return Ready.of(model.model_dump_json(by_alias=True).encode(), moment)


def feed_ready(
    request: web.Request,
    params: BaseModel,
    title: str,
    entries: Sequence[Entry],
    items: Sequence[Told],
) -> Ready:
    """Return entries as an Atom feed; other parameters make another feed."""
    moment = newest_of(request, items)
    # From the parsed parameters: the feed keeps its id however the query is written.
    query = params.model_dump(mode="json", by_alias=True, exclude_none=True)
    path = str(URL.build(path=request.path, query=query))
    body = atom_feed(path, title, entries, moment)
    return Ready.of(body, moment, changed_at=request.app[CLOCK].now(), media=ATOM)


def newest_of(request: web.Request, items: Sequence[Told]) -> datetime:
    """Return when the newest row of an answer was written, or now if it has no row."""
    return max(
        (item.stored_at for item in items if item.stored_at), default=request.app[CLOCK].now()
    )


def link_to_next(request: web.Request, cursor: str | None) -> str | None:
    """Return the `Link` header (RFC 8288) to the next page; None on the last page."""
    if cursor is None:
        return None
    # Only path and query: other clients get this answer too, and may know the host by another name.
    url = URL.build(path=request.path, query=request.query) % {"cursor": cursor}
    return f'<{url}>; rel="next"'
