"""A client for the simulators."""

from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp import ClientSession, ClientTimeout


@pytest_asyncio.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Give a client whose patience is longer than any answer takes on a busy machine."""
    async with ClientSession(timeout=ClientTimeout(total=30)) as client:
        yield client
