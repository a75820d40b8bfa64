"""A server that accepts and never answers: whoever asks the gateway does not wait with it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from libs.common.polling.sources import SourceRegistry
from services.gateway.application import ROUTES
from services.gateway.routing import EVENT_STREAM, Route
from tests.catalogue import sky_event
from tests.clocks import WrongClock
from tests.contract.clients import get, store
from tests.contract.test_compatibility_refresh import token
from tests.contract.test_description import SEGMENT
from tests.contract.test_sources import status
from tests.factories import START, position_events
from tests.gateways import Gateway, running_gateway
from tests.proxies import FAIR, Weather, proxied
from tests.servers import ServerProcess, Servers
from tests.waiting import wait_until

# Databases are made and dropped beside servers that hang for a while.
pytestmark = pytest.mark.timeout(120)

SECRET = "0123456789abcdef0123456789abcdef"
# A question may take 8 s, and what stands in for its answer some more. Without bounds of the
# gateway's own it was 32 s, a minute, or for ever.
PATIENCE_S = 20
NEEDED = {
    "accession": "OSD-1",
    "day": "2026-03-01",
    "lat": "13",
    "lon": "34",
    "name": "iss",
    "src": "apod",
    "what": "nasa",
}
GRAPH = {"query": "{ datasets { items { accession } } sources { items { name } } }"}
PAGE = "/api/v1/iss/positions?to=2026-03-02T00:00:00Z"


async def answer(gateway: Gateway, path: str) -> tuple[int, Any]:
    """Return the status and the headers of a GET that must not hang."""
    async with asyncio.timeout(PATIENCE_S), gateway.http.get(path) as response:
        return response.status, response.headers


async def ask(gateway: Gateway, route: Route) -> None:
    """Ask a route for something; any answer will do."""
    needed = {
        name: NEEDED.get(name, "1")
        for name, field in route.params.model_fields.items()
        if field.is_required()
    }
    path = route.path.format(**{name: needed.pop(name) for name in SEGMENT.findall(route.path)})
    async with gateway.http.request(
        route.method, path, params=needed, json=GRAPH if route.body else None
    ) as response:
        assert response.status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.INTERNAL_SERVER_ERROR}
        if route.media != EVENT_STREAM:
            await response.read()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["postgres", "valkey"])
async def test_every_route_answers(
    servers: Servers, valkey_url: str, database_url: str, reader_database_url: str, name: str
) -> None:
    """Whichever server hangs, and whether its connections were open already."""
    await store(database_url, position_events(20))
    async with running_gateway(valkey_url, reader_database_url, token_secret=SECRET) as gateway:
        await SourceRegistry(gateway.redis).save(status(name="iss"))
        gateway.http.headers["Authorization"] = f"Bearer {token(SECRET, 'refresh')}"
        await get(gateway, "/api/v1/sources")
        hanging: ServerProcess = getattr(servers, name)
        with hanging.frozen():
            asking = {route: asyncio.create_task(ask(gateway, route)) for route in ROUTES}
            _, waiting = await asyncio.wait(asking.values(), timeout=PATIENCE_S)
            late = [route.path for route, task in asking.items() if task in waiting]
            for task in waiting:
                task.cancel()
            results = await asyncio.gather(*asking.values(), return_exceptions=True)
        assert late == []
        assert [result for result in results if result is not None] == []


@pytest.mark.slow
async def test_a_database_that_hangs_is_one_that_is_away(
    servers: Servers, valkey_url: str, database_url: str, reader_database_url: str
) -> None:
    """503, or the answer that was good once; afterwards, on new connections, all is well."""
    await store(database_url, position_events(20))
    clock = WrongClock()
    async with running_gateway(valkey_url, reader_database_url, clock=clock) as gateway:
        before = await get(gateway, f"{PAGE}&limit=5")
        with servers.postgres.frozen():
            found, headers = await answer(gateway, f"{PAGE}&limit=6")
            assert found == HTTPStatus.SERVICE_UNAVAILABLE
            assert int(headers["Retry-After"]) > 0
            # So old that it is not served before the database was asked.
            clock.jump(timedelta(hours=1))
            found, headers = await answer(gateway, f"{PAGE}&limit=5")
            assert found == HTTPStatus.OK
            assert "stale" in headers["Cache-Status"]
            assert (await answer(gateway, "/health/ready"))[0] == HTTPStatus.SERVICE_UNAVAILABLE

        async def recovered() -> bool:
            return (await answer(gateway, f"{PAGE}&limit=6"))[0] == HTTPStatus.OK

        await wait_until(recovered, PATIENCE_S, "the database's return")
        assert (await get(gateway, f"{PAGE}&limit=7"))["items"][:5] == before["items"]


@asynccontextmanager
async def behind_a_proxy(
    valkey_url: str, database_url: str, weather: Weather
) -> AsyncIterator[Gateway]:
    """Run a gateway whose way to the broker has a weather of its own, once it runs."""
    async with (
        proxied(valkey_url, random.Random(1)) as proxy,
        running_gateway(proxy.url(valkey_url), database_url) as gateway,
    ):
        proxy.weather = weather
        try:
            yield gateway
        finally:
            proxy.weather = FAIR


@pytest.mark.slow
@pytest.mark.parametrize("weather", [Weather(silent=True), Weather(refusing=True)])
async def test_stored_events_stand_in_while_the_broker_is_away(
    valkey_url: str, database_url: str, reader_database_url: str, weather: Weather
) -> None:
    """Those of the whole Earth come from the table; for a place there is none but to wait."""
    await store(database_url, [sky_event(1), sky_event(20, variant="new")])
    async with behind_a_proxy(valkey_url, reader_database_url, weather) as gateway:
        window = {"from": START.isoformat(), "days": "30"}
        async with asyncio.timeout(PATIENCE_S):
            document = await get(gateway, "/api/v1/astro/events", **window)
        assert [event["variant"] for event in document["events"]] == ["full", "new"]
        found, headers = await answer(gateway, "/api/v1/astro/events?lat=55&lon=37")
        assert found == HTTPStatus.SERVICE_UNAVAILABLE
        assert "Retry-After" in headers
