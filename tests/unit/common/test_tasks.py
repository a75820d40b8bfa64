"""Ending tasks that do not want to end."""

import asyncio

from libs.common.tasks import end_tasks


async def test_a_swallowed_cancellation_is_repeated() -> None:
    """A task that loses its first cancellation, as redis-py on Python 3.11 does, still ends."""
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if swallowed:
                    raise
                swallowed += 1

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end_tasks(task)
    assert task.cancelled()
    assert swallowed == 1


async def test_a_task_that_failed_is_at_its_end() -> None:
    """Ending a task that is over, or that fails while it ends, is no failure of who ends it."""

    async def failing() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RuntimeError("while ending") from None

    done, ending = asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(failing())
    await done
    await end_tasks(done, ending)
    assert isinstance(ending.exception(), RuntimeError)
    await end_tasks()
