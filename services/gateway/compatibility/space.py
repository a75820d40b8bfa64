"""The space documents: `/space/{src}/latest`, `/space/refresh`, `/space/summary`."""

from aiohttp import web
from pydantic import Field

from services.gateway.answers import send_model, send_ready
from services.gateway.compatibility.lenient import TAG
from services.gateway.compatibility.refreshing import TRIGGER_PROBLEMS, allow
from services.gateway.keys import CLOCK, LATEST, TRIGGERS
from services.gateway.latest.iss import LatestIss
from services.gateway.models.old import (
    NoSpaceDocument,
    Refreshed,
    SpaceDocument,
    Summary,
    SummaryEntry,
)
from services.gateway.routing import OldParams, Route

# The sources behind the names of the earlier systems.
SOURCES = {
    "apod": "apod",
    "neo": "neo",
    "flr": "flares",
    "cme": "cmes",
    "spacex": "launches",
}


class SourceParams(OldParams):
    """Which document."""

    src: str = Field(description="`apod`, `neo`, `flr`, `cme` or `spacex`.", examples=["apod"])


class RefreshParams(OldParams):
    """Which documents."""

    src: str = Field(
        default=",".join(SOURCES), description="Names, separated by commas; unknown are ignored."
    )


async def latest(request: web.Request, params: SourceParams) -> web.StreamResponse:
    """Answer the newest document of a source."""
    now = request.app[CLOCK].now()
    document = request.app[LATEST].old.document(params.src, now)
    if document is None:
        return send_model(request, NoSpaceDocument(source=params.src, message="no data"))
    return send_ready(request, document.ready, now)


async def refresh(request: web.Request, params: RefreshParams) -> web.StreamResponse:
    """Have sources polled, as far as their limits allow."""
    allow(request)
    asked = {part.strip().lower() for part in params.src.split(",")}
    names = [name for name in SOURCES if name in asked]
    polls = await request.app[TRIGGERS].refresh_all(SOURCES[name] for name in names)
    polled = [name for name in names if polls[SOURCES[name]].succeeded]
    return send_model(request, Refreshed(refreshed=names, polled=polled))


async def summary(request: web.Request, _: OldParams) -> web.StreamResponse:
    """Answer the newest document of every source."""
    known, now = request.app[LATEST], request.app[CLOCK].now()
    count = str(known.catalogue.known.count).encode()
    others = {"iss": _station(known.iss), "osdr_count": count}
    return send_ready(request, known.old.summary(now, others), now)


def _station(iss: LatestIss) -> bytes:
    newest = iss.newest
    if newest is None:
        return b"{}"
    entry = SummaryEntry.model_construct(at=newest.fetchedat, payload=newest.data.upstream_body)
    return entry.model_dump_json().encode()


ROUTES = (
    Route(
        path="/space/{src}/latest",
        handler=latest,
        summary="The newest document of a source as its upstream sent it.",
        tag=TAG,
        params=SourceParams,
        answer=SpaceDocument | NoSpaceDocument,
        deprecated=True,
    ),
    Route(
        path="/space/refresh",
        handler=refresh,
        summary="Has sources polled.",
        tag=TAG,
        params=RefreshParams,
        answer=Refreshed,
        problems=TRIGGER_PROBLEMS,
        cost=5,
        deprecated=True,
    ),
    Route(
        path="/space/summary",
        handler=summary,
        summary="The newest document of every source.",
        tag=TAG,
        params=OldParams,
        answer=Summary,
        deprecated=True,
    ),
)
