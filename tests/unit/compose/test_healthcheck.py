"""The health check asks a real admin port."""

import asyncio

import pytest
from aiohttp.test_utils import BaseTestServer, TestServer, unused_port

from deploy.compose.healthcheck import ask
from libs.common.admin import create_admin
from libs.common.errors import DependencyUnavailableError


async def well() -> None:
    """Be satisfied."""


async def ill() -> None:
    """Never be satisfied."""
    raise DependencyUnavailableError("the broker is away")


async def asked(server: BaseTestServer) -> tuple[bool, str]:
    """Ask without holding up the loop that has to answer."""
    assert server.port is not None
    return await asyncio.to_thread(ask, server.port)


async def test_ready_is_healthy() -> None:
    """A service whose checks are satisfied is well."""
    async with TestServer(create_admin({"broker": well}), host="127.0.0.1") as server:
        assert await asked(server) == (True, '{"ready": true, "checks": {"broker": "ok"}}')


async def test_not_ready_is_unhealthy_with_the_reason() -> None:
    """What `docker inspect` shows says which check was not, and why."""
    async with TestServer(create_admin({"broker": ill}), host="127.0.0.1") as server:
        healthy, said = await asked(server)
    assert not healthy
    assert "the broker is away" in said


def test_nobody_there_is_unhealthy() -> None:
    """A refused connection is an answer, not a traceback."""
    healthy, said = ask(unused_port())
    assert not healthy
    assert "the admin port does not answer" in said


@pytest.mark.parametrize("head", [b"HTTP/1.0 2000 OK", b"HTTP/1.0", b"200", b""])
async def test_another_answer_is_unhealthy(head: bytes) -> None:
    """Only the status 200 is well."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        healthy, _ = await asyncio.to_thread(ask, server.sockets[0].getsockname()[1])
    assert not healthy
