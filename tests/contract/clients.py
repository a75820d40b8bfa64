"""What clients do with any resource: get it, walk through its pages, ask whether it changed."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from icalendar import Calendar
from yarl import URL

from libs.common.database import create_pool
from libs.common.events import Event
from services.persistence.repository import Repository, prepare_connection
from tests.gateways import Gateway

TOLD = {"time", "fetched_at", "stored_at", "origin", "provider"}
"""What every datum tells about itself."""


async def store(database_url: str, events: Sequence[Event]) -> None:
    """Write events the way persistence does."""
    pool = create_pool(database_url, name="test", size=1, configure=prepare_connection)
    await pool.open()
    try:
        assert await Repository(pool).store(events) == []
    finally:
        await pool.close()


async def execute(gateway: Gateway, query: str, **variables: Any) -> Any:
    """Return what a GraphQL operation answers."""
    body = {"query": query, "variables": variables}
    async with gateway.http.post("/graphql", json=body) as response:
        assert response.status == HTTPStatus.OK, await response.text()
        return await response.json()


async def get(gateway: Gateway, path: str, **params: str) -> Any:
    """Return the document of a GET that must succeed."""
    async with gateway.http.get(path, params=params) as response:
        assert response.status == HTTPStatus.OK, await response.text()
        return await response.json()


async def get_bytes(gateway: Gateway, path: str, media: str, **params: str) -> bytes:
    """Return the body of a GET that must succeed and be of a type."""
    async with gateway.http.get(path, params=params) as response:
        assert response.status == HTTPStatus.OK, await response.text()
        assert response.content_type == media
        return await response.read()


async def get_calendar(gateway: Gateway, path: str, **params: str) -> tuple[Any, list[Any]]:
    """Return a calendar, as a calendar program reads it, and its entries."""
    found: Any = Calendar.from_ical(await get_bytes(gateway, path, "text/calendar", **params))
    return found, found.walk("VEVENT")


async def fault(gateway: Gateway, path: str, **params: str) -> tuple[int, list[str]]:
    """Return the status of a GET that must fail, and the fields at fault."""
    async with gateway.http.get(path, params=params) as response:
        assert response.content_type == "application/problem+json", await response.text()
        problem = await response.json(content_type=None)
        return response.status, [error["field"] for error in problem.get("errors", [])]


async def walk(gateway: Gateway, path: str, **params: str) -> list[Any]:
    """Return the items of all pages, by their `Link` headers."""
    items: list[Any] = []
    url: URL | None = URL.build(path=path, query=params)
    while url is not None:
        async with gateway.http.get(url) as response:
            assert response.status == HTTPStatus.OK, await response.text()
            page = await response.json()
            link = response.links.get("next")
        assert (page["next"] is None) == (link is None)
        items += page["items"]
        url = URL(link["url"]).relative() if link else None
    return items


async def assert_is_cacheable(gateway: Gateway, path: str, **params: str) -> None:
    """Whoever has an answer gets 304; whoever takes gzip gets it, and caches are told so."""
    plain = {"Accept-Encoding": "identity"}
    async with gateway.http.get(path, params=params, headers=plain) as response:
        assert response.status == HTTPStatus.OK
        body, etag = await response.read(), response.headers["ETag"]
        assert "max-age" in response.headers["Cache-Control"]
        assert response.headers["Last-Modified"]
    async with gateway.http.get(path, params=params, headers={"If-None-Match": etag}) as response:
        assert response.status == HTTPStatus.NOT_MODIFIED
        assert await response.read() == b""
    taking = {"Accept-Encoding": "gzip"}
    async with gateway.http.get(path, params=params, headers=taking) as response:
        assert await response.read() == body
        assert len(body) > 1_024, "too small to be compressed"
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert response.headers["ETag"] != etag
