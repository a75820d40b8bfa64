"""`/api/v1/health` and `/api/v1/system/stats`: values are asked, and nothing is invented."""

import asyncio
from datetime import datetime
from typing import Any

from libs.common.broker import Publisher, create_broker
from libs.common.layout import Layout
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceRegistry
from services.gateway.checks import SharedChecks
from tests.catalogue import apod_event, dataset_event, image_event, sky_event
from tests.contract.clients import get, store
from tests.contract.test_sources import status
from tests.factories import position_event, position_events
from tests.gateways import Gateway, running_gateway
from tests.waiting import wait_until

HEALTH = "/api/v1/health"
STATS = "/api/v1/system/stats"
APIS = ("iss_api", "nasa_api", "jwst_api", "astro_api")


async def test_health_before_any_poll_knows_the_servers_alone(gateway: Gateway) -> None:
    """An upstream that nobody has asked yet is not said to be connected."""
    document = await get(gateway, HEALTH, unknown="1")
    assert document.keys() >= {"status", "timestamp", "services"}
    assert document["status"] == "ok"
    assert datetime.fromisoformat(document["timestamp"]).tzinfo is not None
    assert document["services"] == {
        "database": "connected",
        "redis": "connected",
        **dict.fromkeys(APIS, "unknown"),
    }


async def test_health_of_an_upstream_is_what_its_pollers_found(gateway: Gateway) -> None:
    """Of several sources behind one API the worst counts, and the reason is told."""
    registry = SourceRegistry(gateway.redis)
    for name in ("iss", "jwst", "astro", "apod", "neo"):
        await registry.save(status(name=name))
    await registry.save(status(name="osdr", state=SourceState.STALE, reason="an old body"))
    await registry.save(status(name="flares", state=SourceState.BLOCKED, reason="50 calls a day"))
    document = await get(gateway, HEALTH)
    assert document["status"] == "ok"
    assert [document["services"][name] for name in APIS] == [
        "connected",
        "blocked",
        "connected",
        "connected",
    ]
    assert document["reasons"] == {"nasa_api": "flares: 50 calls a day"}


async def test_health_says_which_server_is_away(gateway: Gateway, servers: Any) -> None:
    """With 200, as it was: the body says it."""
    servers.postgres.stop()
    try:
        document = await get(gateway, HEALTH)
        assert document["status"] == "degraded"
        assert document["services"]["database"] == "disconnected"
        assert document["services"]["redis"] == "connected"
        assert document["reasons"]["database"]
        stats = (await get(gateway, STATS))["database"]
        assert stats["iss_logs"] is None
        assert "does not answer" in stats["reason"]
    finally:
        servers.postgres.start()


async def test_stats_count_rows_streams_and_pollers(
    valkey_url: str, database_url: str, reader_database_url: str
) -> None:
    """The names of the Go server, and more."""
    events = [*position_events(150), dataset_event(1), dataset_event(2), image_event(1)]
    await store(database_url, [*events, sky_event(1), apod_event(1)])
    async with running_gateway(valkey_url, reader_database_url) as gateway:
        await gateway.publish(position_events(3))
        await SourceRegistry(gateway.redis).save(status())
        document = await get(gateway, STATS)
    counted = {name: document["database"][name] for name in ("iss_logs", "osdr_items")}
    assert counted == {"iss_logs": 150, "osdr_items": 2}
    assert document["database"]["jwst_images"] == 1
    assert document["database"]["astro_events"] == 1
    assert document["database"]["space_documents"] == 1
    assert document["database"]["reason"] is None
    assert document["redis"]["used_memory_bytes"] > 0
    assert document["redis"]["streams"]["cassiopeia:events:iss"] == {"length": 3, "waiting": 3}
    assert document["workers"]["iss"]["state"] == "ok"
    assert document["workers_reason"] is None
    assert document["workers"]["iss"].keys() >= {"last_run", "next_run", "failures", "reason"}


async def test_stats_without_a_broker_are_null_with_the_reason(
    gateway: Gateway, servers: Any
) -> None:
    """The database is counted all the same."""
    servers.valkey.stop()
    try:
        document = await get(gateway, STATS)
        assert document["redis"]["used_memory_bytes"] is None
        assert "does not answer" in document["redis"]["reason"]
        assert document["database"]["iss_logs"] == 0
        assert "does not respond" in document["workers_reason"]
        assert (await get(gateway, HEALTH))["services"]["redis"] == "disconnected"
    finally:
        servers.valkey.start()

    async def is_back() -> bool:
        return bool((await get(gateway, HEALTH))["status"] == "ok")

    await wait_until(is_back, 20, "the broker's return")


async def test_stats_know_the_partitions(valkey_url: str, reader_database_url: str) -> None:
    """A divided stream is several, each with its length."""
    layout = Layout.parse("iss=2")
    async with running_gateway(
        valkey_url, reader_database_url, stream_partitions=str(layout)
    ) as gateway:
        event = position_event(0)
        async with create_broker(valkey_url, "test") as broker:
            await Publisher(broker, gateway.redis, layout).publish([event])
        streams = (await get(gateway, STATS))["redis"]["streams"]
    assert list(streams) == [stream.key for stream in layout.event_streams]
    assert streams[layout.stream_of(event).key]["length"] == 1


async def test_checks_that_are_asked_for_together_run_once() -> None:
    """Asking costs a client nothing, so it must not cost the servers more."""
    runs = 0

    async def check() -> None:
        nonlocal runs
        runs += 1

    shared = SharedChecks({"database": check})
    assert (
        await asyncio.gather(*(shared.verdicts() for _ in range(20))) == [{"database": "ok"}] * 20
    )
    assert runs == 1
