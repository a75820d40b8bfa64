"""Ending tasks that do not want to end; doing once what many want."""

import asyncio

import pytest

from libs.common.tasks import SingleFlight, end_tasks


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


async def test_what_many_want_is_done_once() -> None:
    """All get its result, though the first of them goes away; who comes later begins anew."""
    flight, go, begun = SingleFlight[int](), asyncio.Event(), 0

    async def work() -> int:
        nonlocal begun
        begun += 1
        turn = begun
        await go.wait()
        return turn

    asking = [asyncio.create_task(flight.do("one", work)) for _ in range(3)]
    other = asyncio.create_task(flight.do("other", work))
    await asyncio.sleep(0)
    asking[0].cancel()
    go.set()
    assert await asyncio.gather(*asking[1:], other) == [1, 1, 2]
    assert asking[0].cancelled()
    assert await flight.do("one", work) == 3


async def test_a_failure_is_for_all_who_wait_and_is_told_once() -> None:
    """Where nobody waits, somebody is told all the same."""
    told: list[str] = []
    flight = SingleFlight[None](lambda key, error: told.append(f"{key}: {error}"))

    async def work() -> None:
        raise ValueError("no")

    answers = await asyncio.gather(
        *(flight.do("waited for", work) for _ in range(2)), return_exceptions=True
    )
    assert [str(answer) for answer in answers] == ["no", "no"]
    with pytest.raises(ValueError, match="no"):
        await flight.start("started", work)
    assert told == ["waited for: no", "started: no"]


async def test_closing_ends_what_is_being_done() -> None:
    """Who waits for it learns that."""
    flight = SingleFlight[bool]()
    asked = asyncio.create_task(flight.do("endless", asyncio.Event().wait))
    await asyncio.sleep(0)
    await flight.close()
    with pytest.raises(asyncio.CancelledError):
        await asked
