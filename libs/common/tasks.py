"""Pausing and ending tasks."""

import asyncio
import contextlib
from typing import Any

# A cancelled task has this long to clean up before it is cancelled again.
_PATIENCE_S = 0.5


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and wait until all of them have ended, in whatever way.

    One cancellation is not enough: redis-py writes under `asyncio.wait_for`, which up to Python
    3.11 swallows a cancellation that arrives just when the write is done.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=_PATIENCE_S)
    # Retrieves their exceptions, which the caller does not need and asyncio would otherwise log.
    await asyncio.gather(*tasks, return_exceptions=True)


async def sleep_or_stop(seconds: float, stop: asyncio.Event) -> None:
    """Sleep for some seconds, or until the process is asked to stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
