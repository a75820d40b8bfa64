"""An answer that leaves in one write: head and body, without aiohttp's assembly of headers.

aiohttp builds, checks and serializes a dozen headers for each answer, which costs as much as all
the rest of a latest value together (ADR 0010). Here they are ready-made strings.
"""

import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from services.gateway.middlewares.headers import COMMON, CommonHeaders, told_of

_STATUS_LINE = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}


def fits(request: web.BaseRequest) -> bool:
    """Whether this request can be answered with one head and one body in one write."""
    return request.version == HttpVersion11 and request.keep_alive and request.method == "GET"


def head_of(
    status: int, own: Mapping[str, str], body: bytes, common: CommonHeaders, second: int
) -> str:
    """Return the head of an answer without the lines that differ from request to request.

    Args:
        status: The status of the answer.
        own: Its own headers.
        body: Its body.
        common: The headers of all answers.
        second: The present Unix time.
    """
    lines = [_STATUS_LINE[status], _date_line(second)]
    lines += [f"{name}: {value}" for name, value in own.items()]
    lines.append(common.lines(own))
    if status != HTTPStatus.NOT_MODIFIED:
        lines.append(f"Content-Length: {len(body)}")
    lines.append("")
    return "\r\n".join(lines)


class WholeAnswer(web.StreamResponse):
    """Head and body of one answer, for requests for which `fits` is true."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(status=status)
        self._own = headers
        self._bytes = body
        self._is_sent = False

    @property
    def prepared(self) -> bool:
        """Whether it has been sent."""
        return self._is_sent

    @property
    def keep_alive(self) -> bool:
        """True: other connections are not answered this way."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the answer.

        Raises:
            ConnectionResetError: The client has gone.
        """
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the client has gone")
        common = request[COMMON]
        head = head_of(self.status, self._own, self._bytes, common, int(time.time()))
        told = told_of(request)
        transport.write(f"{head}{common.told(told)}\r\n".encode("latin-1") + self._bytes)
        self._is_sent = True
        # A client that asks faster than it reads waits here, instead of filling the memory.
        await request.writer.drain()
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: the whole answer has been sent already."""


_latest_date = (0, "")


def _date_line(second: int) -> str:
    global _latest_date  # noqa: PLW0603 - one line a second, instead of one an answer
    if _latest_date[0] != second:
        _latest_date = (second, f"Date: {formatdate(second, usegmt=True)}")
    return _latest_date[1]
