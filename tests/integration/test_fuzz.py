"""Hostile input does no harm; `python -m tests.fuzz` is the long form of the first test."""

import asyncio
import http.client
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.application import ROUTES
from services.gateway.routing import EVENT_STREAM, Route
from tests.fuzz.attack import attack
from tests.fuzz.target import Target, paths, target
from tests.servers import Servers
from tests.waiting import wait_until

UNAVAILABLE = frozenset({503})
# What a parameter may be mistaken for, beside any text.
_KNOWN = ["", "0", "-1", "1", "1e999", "nan", "\x00", "\ud800", "9" * 30, "2026-01-01T00:00:00Z"]
_VALUES = st.sampled_from(_KNOWN) | st.text(max_size=60) | st.integers().map(str)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """The loop of the module's gateway."""
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(
    servers: Servers, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A gateway in a process of its own, for all tests of this module."""
    database = servers.create_database()
    running = target(servers, database, tmp_path_factory.mktemp("fuzz"))
    yield runner.run(running.__aenter__())
    runner.run(running.__aexit__(None, None, None))
    servers.drop_database(database)


@pytest.mark.timeout(120)
def test_raw_sockets_do_no_harm(gateway: Target, runner: asyncio.Runner) -> None:
    """No fault, no banner, no stack; and nothing of it is held afterwards."""
    outcome = runner.run(attack(gateway.url, paths(), seed=2026, inputs=400, allowed=UNAVAILABLE))
    assert outcome.harmful == []
    assert gateway.errors() == []
    # The parser, the routes and their parameters were all reached.
    assert {400, 404, 405, 422, 431} <= outcome.statuses.keys()
    runner.run(gateway.let_go())


def _send(url: str, method: str, path: str) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "route", [pytest.param(route, id=f"{route.method} {route.path}") for route in ROUTES]
)
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_parameter_makes_a_route_fail(
    gateway: Target, route: Route, data: st.DataObject
) -> None:
    """Whatever its path, its parameters and unknown ones hold."""
    names = [field.alias or name for name, field in route.params.model_fields.items()]
    path = "/".join(
        quote(data.draw(_VALUES, label=part).encode(errors="surrogatepass"), safe="")
        if part.startswith("{")
        else part
        for part in route.path.split("/")
    )
    chosen = data.draw(
        st.dictionaries(st.sampled_from([*names, "unknown"]), _VALUES, max_size=3), label="query"
    )
    query = urlencode(
        {name: value.encode(errors="surrogatepass") for name, value in chosen.items()}
    )
    status = _send(gateway.url, route.method, f"{path}?{query}" if query else path)
    assert status < HTTPStatus.INTERNAL_SERVER_ERROR or status in UNAVAILABLE
    if route.media != EVENT_STREAM and "unknown" in chosen:
        assert status != HTTPStatus.OK or route.params.model_config.get("extra") == "ignore"


@asynccontextmanager
async def connected(
    gateway: Target,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a raw connection."""
    parts = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"\x16\x03\x01\x00\x00", 400, id="TLS"),
        pytest.param(b"GET / HTTP/1.1\r\nNo-Colon\r\n\r\n", 400, id="a bad header"),
        pytest.param(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400, id="no path"),
        pytest.param(b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", 431, id="a long line"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"a" * 9_000, 431, id="a long header"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n", 417, id="an expectation"
        ),
    ],
)
def test_what_cannot_be_read_is_a_problem(
    gateway: Target, runner: asyncio.Runner, sent: bytes, status: int
) -> None:
    """With the headers of every answer, and without the library's banner."""

    async def ask() -> bytes:
        async with connected(gateway) as (reader, writer):
            writer.write(sent)
            async with asyncio.timeout(5):
                return await reader.readuntil(b"}")

    answer = runner.run(ask())
    assert answer.split()[1] == str(status).encode()
    assert b"Content-Type: application/problem+json" in answer
    assert b"\r\nServer:" not in answer
    assert answer.count(b"X-Request-Id: ") == 1


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nA: ", id="half a head"),
        pytest.param(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{",
            id="half a body",
        ),
    ],
)
def test_a_client_that_drips_is_ended(
    gateway: Target, runner: asyncio.Runner, begun: bytes
) -> None:
    """However often it sends one more byte."""

    async def drip() -> None:
        async with connected(gateway) as (reader, writer):
            writer.write(begun)
            received = asyncio.create_task(reader.read())
            while not received.done():
                writer.write(b"a" if begun else b"")
                await asyncio.sleep(0.2)
            answer = await received
            assert not answer or b" 408 " in answer.partition(b"\r\n")[0]

    runner.run(asyncio.wait_for(drip(), 15))


def test_a_client_that_does_not_read_is_ended(gateway: Target, runner: asyncio.Runner) -> None:
    """It asks, and asks, and leaves the answers where they are."""

    async def ask() -> None:
        parts = urlsplit(gateway.url)
        with socket.create_connection((parts.hostname, parts.port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.settimeout(0.5)
            with suppress(OSError):
                for _ in range(10_000):
                    client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
            await wait_until(lambda: gateway.connections() == 0, 10, "the connection is ended")

    runner.run(ask())


def test_a_large_body_is_refused(gateway: Target) -> None:
    """Before all of it has come."""
    parts = urlsplit(gateway.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request(
        "POST", "/graphql", b"x" * 100_000, headers={"Content-Type": "application/json"}
    )
    assert connection.getresponse().status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    connection.close()
