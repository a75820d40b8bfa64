"""A TCP proxy between a client and a real server: the network, with everything it may do to both.

A connection through it knows nothing of the faults: they are those of cables, routers and
firewalls, at any byte.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

_LOOPBACK = "127.0.0.1"
_CHUNK = 64 * 1024
# SO_LINGER without lingering: closing sends a reset, as a router does that lost its table.
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Weather:
    """What the network does at present.

    Attributes:
        refusing: Connections are reset, and new ones too.
        silent: Nothing passes and nobody is told; what is sent meanwhile is lost with its
            connection as soon as this ends.
        delay_s: How long each chunk is under way.
        bytes_per_s: The width of each connection and direction; None without a bound.
        halving: The probability that a chunk passes by half and its connection ends there, in the
            middle of a message.
    """

    refusing: bool = False
    silent: bool = False
    delay_s: float = 0.0
    bytes_per_s: float | None = None
    halving: float = 0.0


FAIR = Weather()


class TcpProxy:
    """Forwards connections to one server through the present weather.

    Attributes:
        connections: How many were accepted.
        halved: How many ended in the middle of a message.
    """

    def __init__(self, url: str, choose: random.Random) -> None:
        self._target = urlsplit(url)
        self._choose = choose
        self._weather = FAIR
        self._audible = asyncio.Event()
        self._audible.set()
        self._port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self.connections = 0
        self.halved = 0

    def url(self, url: str) -> str:
        """Return the URL of the server as it is reached through here."""
        parts = urlsplit(url)
        account, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{account}{at}{_LOOPBACK}:{self._port}"))

    @property
    def weather(self) -> Weather:
        """What the network does at present."""
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        was_silent, self._weather = self._weather.silent, weather
        if weather.refusing or was_silent:
            self._reset_all()
        if weather.silent:
            self._audible.clear()
        else:
            self._audible.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection until one of its ends closes it, or the weather does."""
        self.connections += 1
        self._open.add(writer)
        with contextlib.suppress(OSError):
            if self._weather.refusing:
                _reset(writer)
            else:
                await self._connect(reader, writer)
        self._open.discard(writer)
        writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._target.hostname, self._target.port
        server_reader, server_writer = await asyncio.open_connection(host, port)
        self._open.add(server_writer)
        try:
            ways = [
                asyncio.create_task(self._forward(reader, server_writer)),
                asyncio.create_task(self._forward(server_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._open.discard(server_writer)
            server_writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            if self._weather.delay_s:
                await asyncio.sleep(self._weather.delay_s)
            await self._audible.wait()
            if self._weather.halving and self._choose.random() < self._weather.halving:
                self.halved += 1
                writer.write(chunk[: len(chunk) // 2])
                await writer.drain()
                return
            writer.write(chunk)
            await writer.drain()
            if self._weather.bytes_per_s:
                await asyncio.sleep(len(chunk) / self._weather.bytes_per_s)

    def serve_at(self, port: int) -> None:
        """Note the port on which connections arrive."""
        self._port = port

    def close(self) -> None:
        """End every connection."""
        self._reset_all()

    def _reset_all(self) -> None:
        for writer in self._open:
            _reset(writer)


@asynccontextmanager
async def proxied(url: str, choose: random.Random) -> AsyncIterator[TcpProxy]:
    """Run a proxy for the server of a URL while the body runs.

    Args:
        url: Any URL with host and port.
        choose: Where chance comes from.
    """
    proxy = TcpProxy(url, choose)
    server = await asyncio.start_server(proxy.accept, _LOOPBACK, 0)
    proxy.serve_at(server.sockets[0].getsockname()[1])
    try:
        yield proxy
    finally:
        server.close()
        proxy.close()
        await server.wait_closed()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
