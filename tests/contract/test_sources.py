"""`/api/v1/sources` and `/health/...`."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from libs.common.polling.lease import lease_key
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceRegistry, SourceStatus
from tests.gateways import Gateway
from tests.waiting import wait_until


def status(**changes: Any) -> SourceStatus:
    """Return the status of a source that was polled just now."""
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "name": "iss",
        "state": SourceState.OK,
        "since": now,
        "provider": "wheretheiss.at",
        "origin": "live",
        "last_attempt": now,
        "last_success": now,
        "last_live": now,
        "content_time": now,
        "next_poll": now + timedelta(seconds=5),
        "calls_left": 349,
    }
    return SourceStatus(**(fields | changes))


async def items(gateway: Gateway) -> list[Any]:
    """Return what the gateway knows of the sources."""
    async with gateway.http.get("/api/v1/sources") as response:
        assert response.status == HTTPStatus.OK
        document = await response.json()
    found: list[Any] = document["items"]
    return found


async def test_every_source_is_shown_with_its_state(gateway: Gateway) -> None:
    """By name, with the reason why it is not ok."""
    registry = SourceRegistry(gateway.redis)
    await registry.save(status())
    await registry.save(status(name="elements", state=SourceState.BLOCKED, reason="403"))
    assert [(item["name"], item["state"], item["reason"]) for item in await items(gateway)] == [
        ("elements", "blocked", "403"),
        ("iss", "ok", None),
    ]


async def test_one_source_is_shown_by_its_name(gateway: Gateway) -> None:
    """And a name that no source has is a 404 that says where the names are."""
    await SourceRegistry(gateway.redis).save(status(state=SourceState.FROZEN, reason="the same"))
    async with gateway.http.get("/api/v1/sources/iss") as response:
        assert response.status == HTTPStatus.OK
        assert (await response.json())["state"] == "frozen"
    async with gateway.http.get("/api/v1/sources/moon") as response:
        assert response.status == HTTPStatus.NOT_FOUND
        problem = await response.json(content_type=None)
    assert "/api/v1/sources" in problem["detail"]


async def test_a_source_that_nobody_polls_is_not_ok(gateway: Gateway) -> None:
    """The last word of a dead poller must not look like the present."""
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    registry = SourceRegistry(gateway.redis)
    await registry.save(status(last_attempt=hour_ago, next_poll=hour_ago + timedelta(seconds=5)))
    [item] = await items(gateway)
    assert item["state"] == "failing"
    assert "no process has polled it since" in item["reason"]


async def test_a_source_whose_poll_takes_minutes_is_as_it_was(gateway: Gateway) -> None:
    """While somebody holds its lease, a poll that is overdue is under way."""
    due = datetime.now(UTC) - timedelta(minutes=5)
    await SourceRegistry(gateway.redis).save(status(last_attempt=due, next_poll=due))
    await gateway.redis.set(lease_key("iss"), "ingest_iss-0:1", px=6_000)
    [item] = await items(gateway)
    assert (item["state"], item["reason"]) == ("ok", None)


async def test_without_the_broker_the_last_answer_is_shown_as_stale(
    gateway: Gateway, servers: Any
) -> None:
    """Only who never had one answers 503."""
    await SourceRegistry(gateway.redis).save(status())
    assert len(await items(gateway)) == 1
    servers.valkey.stop()
    try:

        async def is_stale() -> bool:
            async with gateway.http.get("/api/v1/sources/iss") as response:
                assert response.status == HTTPStatus.OK
                assert (await response.json())["name"] == "iss"
                return "stale" in response.headers.get("Cache-Status", "")

        await wait_until(is_stale, 10, "a stale answer")
    finally:
        servers.valkey.start()


async def test_a_gateway_that_never_saw_the_sources_says_503(
    gateway: Gateway, servers: Any
) -> None:
    """An empty list would look like a suite without sources."""
    servers.valkey.stop()
    try:
        async with gateway.http.get("/api/v1/sources") as response:
            assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
            assert int(response.headers["Retry-After"]) > 0
            assert "broker" in (await response.json(content_type=None))["detail"]
    finally:
        servers.valkey.start()


async def test_who_has_the_sources_already_gets_304_in_its_form(gateway: Gateway) -> None:
    """The tag of a 304 is that of the answer that this client would have got."""
    registry = SourceRegistry(gateway.redis)
    for number in range(8):
        await registry.save(status(name=f"source-{number}"))
    for accepted, ending in (("identity", '"'), ("gzip", '-gzip"')):
        headers = {"Accept-Encoding": accepted}
        async with gateway.http.get("/api/v1/sources", headers=headers) as response:
            assert response.status == HTTPStatus.OK
            assert response.headers["Vary"] == "Accept-Encoding"
            etag = response.headers["ETag"]
        assert etag.endswith(ending)
        headers["If-None-Match"] = etag
        async with gateway.http.get("/api/v1/sources", headers=headers) as response:
            assert response.status == HTTPStatus.NOT_MODIFIED
            assert response.headers["ETag"] == etag
            assert response.headers["Vary"] == "Accept-Encoding"


async def test_readiness_names_the_server_that_is_away(gateway: Gateway, servers: Any) -> None:
    """Liveness asks nobody; readiness says which server does not answer."""
    servers.postgres.stop()
    try:
        async with gateway.http.get("/health/ready") as response:
            assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
            checks = (await response.json())["checks"]
        assert checks["broker"] == "ok"
        assert checks["database"] != "ok"
        async with gateway.http.get("/health/live") as response:
            assert response.status == HTTPStatus.OK
    finally:
        servers.postgres.start()
