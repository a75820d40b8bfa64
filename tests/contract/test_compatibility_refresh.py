"""The triggers of the earlier systems: who may ask for fresh data, and what they are told."""

import asyncio
from http import HTTPStatus
from typing import Any

import jwt
import pytest

from libs.common.polling.refreshing import RefreshCommand
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceRegistry
from libs.common.topology import COMMANDS_REFRESH
from tests.contract.test_sources import status
from tests.gateways import Gateway, running_gateway
from tests.waiting import wait_until

TRIGGERS = (
    ("GET", "/fetch"),
    ("GET", "/osdr/sync"),
    ("GET", "/space/refresh"),
    ("POST", "/api/v1/refresh/iss"),
)
NASA = {"osdr", "apod", "neo", "flares", "cmes"}


async def asked(gateway: Gateway, count: int) -> set[str]:
    """Wait for so many commands, and return the sources that they are for."""

    async def commands() -> Any:
        entries: Any = await gateway.redis.xrange(COMMANDS_REFRESH.key)
        return entries if len(entries) >= count else None

    entries: Any = await wait_until(commands, 10, f"{count} refresh commands")
    return {RefreshCommand.model_validate_json(each[b"__data__"]).source for _, each in entries}


async def post(gateway: Gateway, path: str) -> Any:
    """Return the document of a POST that must succeed."""
    async with gateway.http.post(path) as response:
        assert response.status == HTTPStatus.OK
        return await response.json()


async def test_refresh_of_nasa_polls_all_of_its_sources(gateway: Gateway) -> None:
    """One command each; the message says that it is done."""
    asking = asyncio.create_task(post(gateway, "/api/v1/refresh/nasa?unknown=1"))
    assert await asked(gateway, len(NASA)) == NASA
    registry = SourceRegistry(gateway.redis)
    for name in NASA:
        await registry.save(status(name=name))
    assert await asking == {"message": "NASA data refreshed", "reasons": {}}


async def test_refresh_in_vain_says_why(gateway: Gateway) -> None:
    """As soon as the polls are over."""
    asking = asyncio.create_task(post(gateway, "/api/v1/refresh/nasa"))
    await asked(gateway, len(NASA))
    registry = SourceRegistry(gateway.redis)
    for name in NASA - {"neo"}:
        await registry.save(status(name=name))
    blocked = status(name="neo", state=SourceState.BLOCKED, reason="429", last_success=None)
    await registry.save(blocked)
    assert await asking == {"message": "NASA data not all refreshed", "reasons": {"neo": "429"}}


async def test_refresh_that_is_not_done_in_time_does_not_say_that_it_is(
    valkey_url: str, reader_database_url: str
) -> None:
    """Nobody polls, or the limits forbid it now."""
    async with running_gateway(
        valkey_url, reader_database_url, refresh_wait_seconds=0.2
    ) as gateway:
        document = await post(gateway, "/api/v1/refresh/iss")
        assert document == {"message": "ISS data being refreshed", "reasons": {}}
        assert await asked(gateway, 1) == {"iss"}


@pytest.mark.parametrize("name", ["telemetry", "everything"])
async def test_refresh_of_what_has_no_source_says_so(gateway: Gateway, name: str) -> None:
    """A problem, and no command."""
    async with gateway.http.post(f"/api/v1/refresh/{name}") as response:
        assert response.status == HTTPStatus.NOT_FOUND
        assert name in (await response.json(content_type=None))["detail"]
    assert await gateway.redis.xlen(COMMANDS_REFRESH.key) == 0


async def test_triggers_can_be_closed_to_those_without_a_token(
    valkey_url: str, reader_database_url: str
) -> None:
    """`CASSIOPEIA_OPEN_TRIGGERS=false`; nothing is asked of a poller before that is checked."""
    secret = "0123456789abcdef0123456789abcdef"
    async with running_gateway(
        valkey_url,
        reader_database_url,
        open_triggers=False,
        token_secret=secret,
        refresh_wait_seconds=0.1,
    ) as gateway:
        for method, path in TRIGGERS:
            async with gateway.http.request(method, path) as response:
                assert response.status == HTTPStatus.UNAUTHORIZED, path
        assert await gateway.redis.xlen(COMMANDS_REFRESH.key) == 0
        for scope, wanted in (("export", HTTPStatus.FORBIDDEN), ("refresh", HTTPStatus.OK)):
            for method, path in TRIGGERS:
                headers = {"Authorization": f"Bearer {token(secret, scope)}"}
                async with gateway.http.request(method, path, headers=headers) as response:
                    assert response.status == wanted, path


def token(secret: str, scope: str) -> str:
    """Return a token with a scope."""
    claims = {
        "iss": "cassiopeia",
        "aud": "cassiopeia",
        "sub": "test",
        "exp": 4_000_000_000,
        "scope": scope,
    }
    return jwt.encode(claims, secret, algorithm="HS256")


async def test_triggers_without_a_broker_are_503(gateway: Gateway, servers: Any) -> None:
    """A problem that says when to return, not a fault of ours."""
    servers.valkey.stop()
    try:
        async with gateway.http.post("/api/v1/refresh/nasa") as response:
            assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
            assert "Retry-After" in response.headers
    finally:
        servers.valkey.start()
