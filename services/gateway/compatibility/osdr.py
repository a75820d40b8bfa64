"""The open science datasets: `/osdr/list`, `/osdr/sync`."""

from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel

from libs.common.events import OsdrDatasetEvent
from services.gateway.answers import send_model
from services.gateway.api.cached import model_ready, send_cached
from services.gateway.cache import Kind
from services.gateway.compatibility.lenient import TAG, whole
from services.gateway.compatibility.refreshing import TRIGGER_PROBLEMS, allow
from services.gateway.keys import REPOSITORIES, SETTINGS, TRIGGERS
from services.gateway.models.old import OldStudies, Written
from services.gateway.ready import Ready
from services.gateway.routing import OldParams, Route
from services.gateway.triggers import DATASETS

MAX_LIMIT = 100
# Far beyond the last page of any catalogue.
_MAX_PAGE = 1_000_000
# As long as the earlier systems kept it.
LIST = Kind("old_osdr_list", fresh_s=300.0, changed_by=frozenset({OsdrDatasetEvent.TYPE}))


class ListParams(OldParams):
    """Which page."""

    page: Annotated[int, *whole(1, 1, _MAX_PAGE)] = 1
    limit: Annotated[int | None, *whole(None, 1, MAX_LIMIT)] = None


class _Asked(BaseModel):
    page: int
    limit: int


async def studies(request: web.Request, params: ListParams) -> web.StreamResponse:
    """Answer a page of datasets."""
    app = request.app
    asked = _Asked(page=params.page, limit=params.limit or app[SETTINGS].osdr_list_limit)

    async def make() -> Ready:
        found = await app[REPOSITORIES].old.studies(page=asked.page, limit=asked.limit)
        return model_ready(request, OldStudies(items=found))

    return await send_cached(request, LIST, asked, make)


async def sync(request: web.Request, _: OldParams) -> web.StreamResponse:
    """Have the catalogue crawled, and answer how many datasets came within the wait."""
    allow(request)
    poll = await request.app[TRIGGERS].refresh(DATASETS)
    return send_model(request, Written(written=poll.written))


def _list(path: str) -> Route:
    return Route(
        path=path,
        handler=studies,
        summary="Open science datasets by pages, those first that came last.",
        tag=TAG,
        params=ListParams,
        answer=OldStudies,
        problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
        cache="5 minutes, or until a dataset changes",
        deprecated=True,
    )


ROUTES = (
    _list("/osdr/list"),
    _list("/api/v1/osdr/list"),
    Route(
        path="/osdr/sync",
        handler=sync,
        summary="Has the catalogue of datasets crawled.",
        tag=TAG,
        params=OldParams,
        answer=Written,
        problems=TRIGGER_PROBLEMS,
        cost=5,
        deprecated=True,
    ),
)
