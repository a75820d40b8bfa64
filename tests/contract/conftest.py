"""A gateway for the tests of this folder."""

from collections.abc import AsyncIterator

import pytest

from tests.gateways import Gateway, running_gateway


@pytest.fixture
async def gateway(valkey_url: str, reader_database_url: str) -> AsyncIterator[Gateway]:
    """A gateway on empty servers, connected as the role that can only read."""
    async with running_gateway(valkey_url, reader_database_url) as running:
        yield running
