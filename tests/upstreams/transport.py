"""Faults below the answer: connections that break, bodies that never end."""

import asyncio
import socket
import struct
import zlib
from collections.abc import Callable, Iterator

from aiohttp import web

_CHUNK = 65_536
_GZIP = 16 + zlib.MAX_WBITS


async def reset(request: web.Request) -> web.StreamResponse:
    """Reset the connection; the handler is cancelled with it and never returns."""
    transport = request.transport
    if transport is not None:
        # Zero seconds of lingering make the kernel send RST instead of FIN.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    await asyncio.Event().wait()
    raise AssertionError("a handler outlived its connection")


async def stream_huge(
    request: web.Request, *, size: int, compressed: bool, count: Callable[[int], None]
) -> web.StreamResponse:
    """Send valid JSON of a given size without announcing its length."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    if compressed:
        response.headers["Content-Encoding"] = "gzip"
    await response.prepare(request)
    packer = zlib.compressobj(wbits=_GZIP)
    for chunk in _huge_json(size):
        packed = packer.compress(chunk) if compressed else chunk
        if packed:
            await response.write(packed)
            count(len(packed))
    if compressed:
        await response.write(packer.flush())
    await response.write_eof()
    return response


def _huge_json(size: int) -> Iterator[bytes]:
    head, tail = b'{"padding":"', b'"}'
    yield head
    left = size - len(head) - len(tail)
    while left > 0:
        yield b"x" * min(_CHUNK, left)
        left -= _CHUNK
    yield tail


async def stream_slowly(
    request: web.Request,
    whole: web.Response,
    *,
    interval_s: float,
    released: asyncio.Event,
    count: Callable[[int], None],
) -> web.StreamResponse:
    """Send an answer byte by byte, what is left of it at once when released."""
    body = bytes(whole.body) if isinstance(whole.body, bytes | bytearray) else b""
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(body)
    await response.prepare(request)
    sent = 0
    while sent < len(body) and not released.is_set():
        await response.write(body[sent : sent + 1])
        sent += 1
        count(1)
        try:
            async with asyncio.timeout(interval_s):
                await released.wait()
        except TimeoutError:
            continue
    await response.write(body[sent:])
    await response.write_eof()
    return response
