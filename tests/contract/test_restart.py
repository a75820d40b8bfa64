"""A gateway that starts anew knows what changed while none was there."""

from libs.common.broker import Publisher, connect, create_broker
from tests.catalogue import apod_event
from tests.contract.clients import get, store
from tests.gateways import running_gateway

PICTURES = "/api/v1/space/apod"


async def test_what_changed_between_two_processes_is_not_served_old(
    valkey_url: str, reader_database_url: str, database_url: str
) -> None:
    """The broker keeps the answer of the first for an hour; the second makes it anew."""
    await store(database_url, [apod_event(0)])
    async with running_gateway(valkey_url, reader_database_url) as first:
        assert len((await get(first, PICTURES))["items"]) == 1
    await store(database_url, [apod_event(1)])
    broker, redis = create_broker(valkey_url, "test"), connect(valkey_url, "test")
    async with broker:
        await Publisher(broker, redis).publish([apod_event(1)])
    await redis.aclose()
    async with running_gateway(valkey_url, reader_database_url) as second:
        assert len((await get(second, PICTURES))["items"]) == 2
