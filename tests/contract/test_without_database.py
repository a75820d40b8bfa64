"""The database goes away and comes back: what needs it not goes on, what needs it says so."""

import asyncio
from http import HTTPStatus
from typing import Any

import pytest

from tests.contract.clients import store
from tests.contract.test_live import listening
from tests.factories import position_event, position_events
from tests.gateways import Gateway, running_gateway
from tests.servers import Servers
from tests.waiting import wait_until

KNOWN = "/api/v1/iss/positions?limit=5"
UNKNOWN = "/api/v1/iss/positions?limit=6"


async def asked(gateway: Gateway, path: str) -> tuple[int, Any, dict[str, str]]:
    """Return status, document and headers of an answer."""
    async with gateway.http.get(path) as response:
        document = await response.json(content_type=None)
        return response.status, document, dict(response.headers)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_latest_values_sources_and_the_live_stream_go_on(
    servers: Servers, valkey_url: str, database_url: str, reader_database_url: str
) -> None:
    """History is stale and says so, or 503; all of it recovers by itself."""
    await store(database_url, position_events(20))
    async with running_gateway(valkey_url, reader_database_url) as gateway:
        await gateway.publish([position_event(100)])
        status, before, _ = await asked(gateway, KNOWN)
        assert (status, len(before["items"])) == (HTTPStatus.OK, 5)
        servers.postgres.stop()
        try:
            async with listening(gateway) as stream, asyncio.timeout(60):
                await anext(stream)
                for index in range(101, 106):
                    await gateway.publish([position_event(index)])
                    message = await anext(stream)
                    assert message.data["id"] == str(position_event(index).id)
                    _, position, _ = await asked(gateway, "/api/v1/iss/position")
                    assert position["id"] == str(position_event(index).id)
                    assert (await asked(gateway, "/api/v1/sources"))[0] == HTTPStatus.OK
                    assert (await asked(gateway, "/health/live"))[0] == HTTPStatus.OK
            # Over its time, so that a new one would be made.
            await asyncio.sleep(6)
            status, stale, headers = await asked(gateway, KNOWN)
            assert (status, stale) == (HTTPStatus.OK, before)
            assert "stale" in headers["Cache-Status"]
            status, problem, headers = await asked(gateway, UNKNOWN)
            assert status == HTTPStatus.SERVICE_UNAVAILABLE
            assert int(headers["Retry-After"]) > 0
            assert problem["status"] == HTTPStatus.SERVICE_UNAVAILABLE
            assert (await asked(gateway, "/health/ready"))[0] == HTTPStatus.SERVICE_UNAVAILABLE
        finally:
            servers.postgres.start()

        async def recovered() -> bool:
            status, document, _ = await asked(gateway, UNKNOWN)
            return status == HTTPStatus.OK and len(document["items"]) == 6

        await wait_until(recovered, 30, "history")

        async def is_ready() -> bool:
            return (await asked(gateway, "/health/ready"))[0] == HTTPStatus.OK

        await wait_until(is_ready, 5, "the next run of the checks")
        _, _, headers = await asked(gateway, KNOWN)
        assert "Cache-Status" in headers
