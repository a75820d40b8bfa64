"""Pausing, sharing and ending tasks."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

# A cancelled task has this long to clean up before it is cancelled again.
_PATIENCE_S = 0.5

_T = TypeVar("_T")


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


class SingleFlight(Generic[_T]):
    """Does work once when several callers ask for it at the same time.

    Args:
        failed: Called with the key and the error of work that failed. Callers that wait get the
            error as well, but nobody waits for work that was only started.
    """

    def __init__(self, failed: Callable[[str, BaseException], None] | None = None) -> None:
        self._failed = failed
        self._tasks: dict[str, asyncio.Task[_T]] = {}

    def start(self, key: str, work: Callable[[], Coroutine[Any, Any, _T]]) -> asyncio.Task[_T]:
        """Start the work unless it is already running; return its task, which all callers share."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(work())
            task.add_done_callback(lambda done: self._over(key, done))
        return task

    async def do(self, key: str, work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Return what the work returns, or raise what it raises."""
        # Shielded: when one caller is cancelled, the others still get the result.
        return await asyncio.shield(self.start(key, work))

    async def close(self) -> None:
        """Cancel the work that is running."""
        await end_tasks(*self._tasks.values())

    def _over(self, key: str, task: asyncio.Task[_T]) -> None:
        del self._tasks[key]
        # The exception is retrieved even without `failed`: asyncio would log it as never retrieved.
        if not task.cancelled() and (error := task.exception()) and self._failed:
            self._failed(key, error)
