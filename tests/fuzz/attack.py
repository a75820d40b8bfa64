"""Sends inputs over raw sockets, and looks at every status line that comes back."""

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.fuzz.inputs import Input, make

_STATUS = re.compile(rb"^HTTP/1\.[01] (\d{3})", re.MULTILINE)
# A live stream never ends: so much of an answer is enough.
_READ_S = 0.3
_PIECES = 5
_BANNER = re.compile(rb"^server:", re.IGNORECASE | re.MULTILINE)
_TRACE = b"Traceback (most recent call last)"
_AT_ONCE = 32


@dataclass(slots=True)
class Outcome:
    """What came back.

    Attributes:
        statuses: How often each.
        harmful: Inputs that the gateway failed at, by number, and how.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    harmful: list[str] = field(default_factory=list)


async def attack(
    url: str, paths: list[str], *, seed: int, inputs: int, allowed: frozenset[int] = frozenset()
) -> Outcome:
    """Send that many inputs, some at the same time.

    Args:
        url: The gateway.
        paths: Real paths of it.
        seed: Repeats the inputs of an earlier run.
        inputs: How many.
        allowed: Statuses above 499 that say what is true (503 where nothing has been collected).
    """
    outcome = Outcome()
    numbers = iter(range(inputs))
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 0

    async def work() -> None:
        for number in numbers:
            sent = make(seed, number, paths)
            received = await _exchange(host, port, sent)
            _judge(outcome, number, sent, received, allowed)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(_AT_ONCE):
            tasks.create_task(work())
    return outcome


def _judge(
    outcome: Outcome, number: int, sent: Input, received: bytes, allowed: frozenset[int]
) -> None:
    statuses = [int(status) for status in _STATUS.findall(received)]
    outcome.statuses.update(statuses)
    failures = [status for status in statuses if status >= 500 and status not in allowed]
    faults = [f"answer {status}" for status in failures]
    if _BANNER.search(received):
        faults.append("the server's banner")
    if _TRACE in received:
        faults.append("a stack trace")
    outcome.harmful += [f"input {number} ({sent.kind}): {fault}" for fault in faults]


async def _exchange(host: str, port: int, sent: Input) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    received = b""
    try:
        if sent.slow:
            size = max(1, len(sent.data) // _PIECES)
            for start in range(0, len(sent.data), size):
                writer.write(sent.data[start : start + size])
                await asyncio.sleep(0.005)
        else:
            writer.write(sent.data)
            deadline = time.monotonic() + _READ_S
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + _READ_S):
                while time.monotonic() < deadline and (piece := await reader.read(65_536)):
                    received += piece
    except (TimeoutError, ConnectionError):
        # It waits for more, or has heard enough.
        pass
    finally:
        writer.transport.abort()
    return received
