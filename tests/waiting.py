"""Waiting for a condition instead of for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

_T = TypeVar("_T")

# Short enough that nobody waits for it, long enough that it costs no processor.
_PAUSE_S = 0.02


@overload
async def wait_until(
    condition: Callable[[], Awaitable[_T | None]], timeout_s: float, description: str
) -> _T: ...
@overload
async def wait_until(
    condition: Callable[[], _T | None], timeout_s: float, description: str
) -> _T: ...
async def wait_until(condition: Callable[[], Any], timeout_s: float, description: str) -> Any:
    """Ask again and again until a condition holds; return what it returned then.

    Args:
        condition: A plain or an async function; it holds when what it returns is true.
        timeout_s: Seconds after which it is given up.
        description: What is waited for, for the message.

    Raises:
        AssertionError: It did not hold in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        value = await found if inspect.isawaitable(found) else found
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {description}"
        await asyncio.sleep(_PAUSE_S)
