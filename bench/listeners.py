"""Many live streams at once: `python -m bench.listeners URL COUNT`.

Prints a line when all are connected. When its standard input ends, prints how many events all of
them received together.
"""

import asyncio
import sys
from urllib.parse import urlsplit

EVENT = b"\nevent: cassiopeia."


class _Listener(asyncio.Protocol):
    """Counts the events of one stream."""

    def __init__(self, request: bytes, connected: asyncio.Semaphore) -> None:
        self._request = request
        self._connected = connected
        self._rest = b""
        self.events = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a socket's
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count events; a possible beginning of an event's line is kept until the rest arrives."""
        if not self._rest and not self.events:
            self._connected.release()
        text = self._rest + data
        self.events += text.count(EVENT)
        self._rest = text[-(len(EVENT) - 1) :]


async def listen(url: str, count: int) -> None:
    """Open the streams, wait, and print."""
    address = urlsplit(url)
    request = (
        f"GET /api/v1/events?types=iss.position HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n"
    ).encode()
    connected = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()
    listeners = []
    for _ in range(count):
        _, listener = await loop.create_connection(
            lambda: _Listener(request, connected), address.hostname or "", address.port or 80
        )
        listeners.append(listener)
    for _ in range(count):
        await connected.acquire()
    print("connected", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(sum(listener.events for listener in listeners), flush=True)


if __name__ == "__main__":
    asyncio.run(listen(sys.argv[1], int(sys.argv[2])))
