"""Pausing and ending tasks."""

import asyncio
import contextlib
from typing import Any

# A cancelled task has this long for its cleaning up before it is cancelled again.
_PATIENCE_S = 0.5


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and wait until all of them have ended, however.

    One cancellation is not enough: redis-py writes under `asyncio.wait_for`, which up to Python
    3.11 swallows a cancellation that comes in the moment when the write is done.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=_PATIENCE_S)
    # Whoever asked for their end does not ask how they ended.
    await asyncio.gather(*tasks, return_exceptions=True)


async def sleep_or_stop(seconds: float, stop: asyncio.Event) -> None:
    """Sleep, but not past the moment when the process is asked to stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
