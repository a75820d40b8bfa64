"""The fast lane answers as the long way does, and nothing that is not its own."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from tests.catalogue import sky_event
from tests.clocks import MovingClock
from tests.contract.clients import store
from tests.factories import position_event
from tests.gateways import Gateway, running_gateway
from tests.waiting import wait_until

PATH = b"/api/v1/iss/position"
PLAIN = b"GET " + PATH + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
# A header that is not listed: the same request, the long way.
LONG = b"GET " + PATH + b" HTTP/1.1\r\nHost: localhost\r\nX-Other: 1\r\n\r\n"
# Enough questions for the limiter to lease tokens, without which nothing is fast.
MANY = 200


class Socket:
    """A connection that sends bytes and reads answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes, whatever they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> tuple[str, bytes]:
        """Read one answer: its head and its body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"Content-Length: (\d+)", head)
        assert length
        return head, await self.reader.readexactly(int(length[1]))

    async def ask(self, data: bytes) -> tuple[str, bytes]:
        """Send one request and read its answer."""
        await self.send(data)
        return await self.answer()


@asynccontextmanager
async def connected(gateway: Gateway) -> AsyncIterator[Socket]:
    """Open a connection."""
    address = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        async with asyncio.timeout(20):
            yield Socket(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def busy(gateway: Gateway) -> AsyncIterator[Socket]:
    """Open a connection of a client that has a position to ask for, and tokens to do so."""
    await gateway.publish([position_event(0)])

    async def known() -> bool:
        async with gateway.http.get(PATH.decode()) as response:
            return response.ok

    await wait_until(known, 10, "a position")
    async with connected(gateway) as socket:
        for _ in range(MANY):
            head, _ = await socket.ask(PLAIN)
            assert head.startswith("HTTP/1.1 200 ")
        yield socket


def comparable(head: str) -> dict[str, str]:
    """Return the headers of an answer without those that are different each time."""
    lines = [line.partition(": ") for line in head.strip().split("\r\n")[1:]]
    changing = {"X-Request-Id", "RateLimit", "Age", "Date"}
    return {name: "" if name in changing else value for name, _, value in lines}


async def test_both_ways_give_the_same_answer(gateway: Gateway) -> None:
    """Status, headers and body, for a client that takes gzip as well."""
    async with busy(gateway) as socket:
        for extra in (b"", b"Accept-Encoding: gzip\r\n"):
            plain, long = (
                data.replace(b"\r\n\r\n", b"\r\n" + extra + b"\r\n") for data in (PLAIN, LONG)
            )
            fast, slow = await socket.ask(plain), await socket.ask(long)
            assert comparable(fast[0]) == comparable(slow[0])
            assert fast[1] == slow[1]
            assert fast[0].split("\r\n")[0] == slow[0].split("\r\n")[0]


async def test_the_limit_holds_on_both_ways_together(
    valkey_url: str, reader_database_url: str
) -> None:
    """Fast or not: after the burst comes 429."""
    async with running_gateway(
        valkey_url, reader_database_url, limit_per_minute=60, limit_burst=50
    ) as gateway:
        await gateway.publish([position_event(0)])
        async with connected(gateway) as socket:
            statuses = []
            for index in range(120):
                head, _ = await socket.ask(PLAIN if index % 3 else LONG)
                statuses.append(head.split(" ")[1])
        admitted = len(statuses) - statuses.count("429")
        assert 50 <= admitted <= 60


async def test_the_newest_position_is_answered(gateway: Gateway) -> None:
    """A head that is kept for a second does not keep the body."""
    async with busy(gateway) as socket:
        for index in range(1, 6):
            event = position_event(index)
            await gateway.publish([event])

            async def newest(expected: str = str(event.id)) -> bool:
                _, body = await socket.ask(PLAIN)
                return expected.encode() in body

            await wait_until(newest, 10, "the new position")


async def test_requests_in_one_piece_are_answered_in_their_order(gateway: Gateway) -> None:
    """Pipelined: the parser has them, and nothing overtakes it."""
    async with busy(gateway) as socket:
        other = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
        await socket.send(other + PLAIN + other)
        bodies = [(await socket.answer())[1] for _ in range(3)]
        assert [body.startswith(b'{"live"') for body in bodies] == [True, False, True]
        # In pieces that end anywhere.
        for cut in (1, 10, len(PLAIN) - 1):
            await socket.send(PLAIN[:cut])
            await asyncio.sleep(0.01)
            await socket.send(PLAIN[cut:])
            assert b"latitude_deg" in (await socket.answer())[1]


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\nX-Hidden: ",
        b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(PLAIN),
    ],
)
async def test_a_request_that_hides_in_another_is_not_answered(
    gateway: Gateway, beginning: bytes
) -> None:
    """Bytes that are a known request, where they are part of something else, stay that."""
    async with busy(gateway) as socket:
        await socket.send(beginning)
        await asyncio.sleep(0.05)
        await socket.send(PLAIN)
        head, body = await socket.answer()
        assert not head.startswith("HTTP/1.1 200 ")
        assert b"latitude_deg" not in body
        # Nothing more comes; what was no request at all has ended the connection.
        with pytest.raises((TimeoutError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(socket.answer(), 0.3)


async def test_an_idle_connection_is_kept_while_it_is_used_and_closed_after(
    valkey_url: str, reader_database_url: str
) -> None:
    """Fast answers count as use."""
    async with (
        running_gateway(valkey_url, reader_database_url, idle_seconds=1.0) as gateway,
        busy(gateway) as socket,
    ):
        for _ in range(8):
            await asyncio.sleep(0.3)
            assert (await socket.ask(PLAIN))[0].startswith("HTTP/1.1 200 ")
        assert await socket.reader.read() == b""


async def test_a_request_that_means_something_else_later_goes_the_long_way(
    valkey_url: str, database_url: str, reader_database_url: str
) -> None:
    """The window of the sky begins with the present hour, which the bytes do not say."""
    clock = MovingClock(datetime.now(UTC).replace(minute=0, second=0, microsecond=0))
    await store(database_url, [sky_event(days) for days in range(400)])
    sky = b"GET /api/v1/astro/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with (
        running_gateway(
            valkey_url, reader_database_url, clock=clock, question_wait_seconds=0.2
        ) as gateway,
        busy(gateway) as socket,
    ):
        windows = []
        for _ in range(2):
            answers = [await socket.ask(sky) for _ in range(3)]
            windows.append(json.loads(answers[-1][1])["from"])
            clock.move(3_600)
    assert windows[0] != windows[1]
