"""A client of the live stream that comes back where it was, as browsers do."""

import asyncio
import contextlib
import re
from collections import Counter
from uuid import UUID

import aiohttp

from tests.chaos.audit import ID_IN_BODY

_PATH = "/api/v1/events"
_PAUSE_S = 0.1
# A gateway that is halted still accepts connections; events come many times a second.
_PATIENCE_S = 2.0
_FIELD = re.compile(rb"^(id|event|data): (.*)$", re.MULTILINE)


class LiveClient:
    """Reads `/api/v1/events` from the beginning, over every end of its connection.

    Attributes:
        frames: By the id of each frame, how often it came.
        events: The ids of the events that came.
        notes: What the gateway said beside events: lost and dropped ones.
        connections: How often it connected.
    """

    def __init__(self, address: str) -> None:
        self._url = f"{address}{_PATH}"
        self._last = "0-0"
        self.frames: Counter[bytes] = Counter()
        self.events: set[UUID] = set()
        self.notes: Counter[bytes] = Counter()
        self.connections = 0

    async def follow_forever(self) -> None:
        """Read on, whatever happens to the connection."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    await self._follow(session)
                await asyncio.sleep(_PAUSE_S)

    async def _follow(self, session: aiohttp.ClientSession) -> None:
        headers = {"Last-Event-ID": self._last}
        async with asyncio.timeout(_PATIENCE_S) as patience:
            async with session.get(self._url, headers=headers, raise_for_status=True) as response:
                self.connections += 1
                frame = b""
                async for line in response.content:
                    patience.reschedule(asyncio.get_running_loop().time() + _PATIENCE_S)
                    frame += line
                    if line == b"\n":
                        self._take(dict(_FIELD.findall(frame)))
                        frame = b""

    def _take(self, frame: dict[bytes, bytes]) -> None:
        if b"id" in frame:
            # Also without data: the gateway tells a place.
            self._last = frame[b"id"].decode()
        match = ID_IN_BODY.search(frame.get(b"data", b""))
        if match and b"id" in frame:
            self.frames[frame[b"id"]] += 1
            self.events.add(UUID(match[1].decode()))
        elif b"event" in frame:
            self.notes[frame[b"event"]] += 1
