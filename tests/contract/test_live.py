"""`/api/v1/events`: server-sent events, resumed without a gap."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest

from libs.common.events import IssPositionEvent
from libs.common.topology import EVENT_STREAMS, EVENTS_ISS
from tests.catalogue import apod_event, dataset_event, launch_event
from tests.contract.clients import store
from tests.factories import elements_event, position_event, position_events
from tests.gateways import Gateway, running_gateway
from tests.servers import Servers
from tests.waiting import wait_until

EVENTS = "/api/v1/events"


@dataclass(frozen=True, slots=True)
class Message:
    """One server-sent event."""

    event: str
    id: str | None
    data: Any


async def messages(response: aiohttp.ClientResponse) -> AsyncIterator[Message]:
    """Parse an event stream as a browser does."""
    fields: dict[str, str] = {}
    async for line in response.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            yield Message(fields["event"], fields.get("id"), json.loads(fields["data"]))
            fields = {}


@asynccontextmanager
async def listening(
    gateway: Gateway, last_id: str | None = None
) -> AsyncIterator[AsyncIterator[Message]]:
    """Open a live stream."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with gateway.http.get(EVENTS, headers=headers) as response:
        assert response.status == HTTPStatus.OK
        assert response.content_type == "text/event-stream"
        yield messages(response)


async def test_a_new_client_gets_the_latest_of_each_type_and_then_what_comes(
    gateway: Gateway,
) -> None:
    """A page needs no second call to show something."""
    await gateway.publish([position_event(0), elements_event(), position_event(1)])

    async def known() -> bool:
        async with gateway.http.get("/api/v1/iss/position") as response:
            document = await response.json(content_type=None)
            return bool(document.get("id") == str(position_event(1).id))

    await wait_until(known, 10, "the events at the gateway")
    async with listening(gateway) as stream:
        first, second = await anext(stream), await anext(stream)
        assert first.event == "cassiopeia.iss.elements.v1"
        assert second.event == "cassiopeia.iss.position.v1"
        assert second.data["id"] == str(position_event(1).id)
        await gateway.publish([position_event(2)])
        third = await anext(stream)
        assert third.data == json.loads(position_event(2).encode())
        assert third.id is not None


async def test_the_id_holds_the_stream_entry(gateway: Gateway) -> None:
    """Whoever has the broker at hand can find the event under its stream's part of the id."""
    await gateway.publish([position_event()])
    entries: Any = await gateway.redis.xrange(EVENTS_ISS.key)
    async with listening(gateway, "0-0") as stream:
        parts = ((await anext(stream)).id or "").split("_")
    assert parts[EVENT_STREAMS.index(EVENTS_ISS)] == entries[0][0].decode()
    assert len(parts) == len(EVENT_STREAMS)


async def test_a_client_that_is_cut_off_again_and_again_has_every_event_once_in_order(
    valkey_url: str, reader_database_url: str
) -> None:
    """Resuming by Last-Event-ID neither loses nor repeats, while events keep coming."""
    events = position_events(10_000)
    randomness = random.Random(1)
    # A queue this short overflows in every catching up: the stream must fill the gap.
    async with running_gateway(valkey_url, reader_database_url, live_queue_length=5) as gateway:

        async def publish() -> None:
            for start in range(0, len(events), 60):
                await gateway.publish(events[start : start + 60])
                await asyncio.sleep(0)

        seen: list[str] = []
        last_id = "0-0"
        connections = 0
        publishing = asyncio.create_task(publish())
        while len(seen) < len(events):
            connections += 1
            async with listening(gateway, last_id) as stream:
                for _ in range(randomness.randint(1, 200)):
                    message = await anext(stream)
                    if message.event == "dropped":
                        # Too slow while live: the client does as it is told, and returns.
                        break
                    seen.append(message.data["id"])
                    last_id = message.id or last_id
                    if len(seen) == len(events):
                        break
        await publishing
    assert seen == [str(event.id) for event in events]
    assert connections > 50


async def test_a_slow_client_is_told_how_many_events_it_lost(
    valkey_url: str, reader_database_url: str
) -> None:
    """The oldest go, the newest stay, and the count is exact."""
    async with (
        running_gateway(valkey_url, reader_database_url, live_queue_length=10) as gateway,
        listening(gateway, "0-0") as stream,
    ):
        await gateway.publish([position_event(0)])
        assert (await anext(stream)).data["id"] == str(position_event(0).id)
        # One read of the follower hands all of these over before the client runs again.
        await gateway.publish(position_events(400, start=1))
        got: list[Message] = []
        lost = 0
        while not got or got[-1].data["id"] != str(position_event(400).id):
            message = await anext(stream)
            if message.event == "dropped":
                lost += message.data["events"]
            else:
                got.append(message)
        assert lost > 0
        assert lost + len(got) == 400


async def test_a_gap_that_the_stream_cannot_fill_is_told(gateway: Gateway) -> None:
    """Entries that were trimmed away are gone; the client learns that instead of guessing."""
    await gateway.publish(position_events(10))
    entries: Any = await gateway.redis.xrange(EVENTS_ISS.key)
    await gateway.redis.xdel(EVENTS_ISS.key, *(entry for entry, _ in entries[2:5]))
    async with listening(gateway, entries[0][0].decode()) as stream:
        assert (await anext(stream)).event == "gap"
        assert (await anext(stream)).data["id"] == str(position_event(1).id)


async def test_a_poison_entry_is_passed_over(gateway: Gateway) -> None:
    """It becomes a dead letter elsewhere; live clients see its neighbours."""
    await gateway.publish([position_event(0)])
    await gateway.publisher.publish_bodies(EVENTS_ISS, [b"poison"])
    await gateway.publish([position_event(1)])
    async with listening(gateway, "0-0") as stream:
        ids = [(await anext(stream)).data["id"] for _ in range(2)]
    assert ids == [str(position_event(index).id) for index in (0, 1)]


@pytest.mark.parametrize("value", ["yesterday", "1", "1-2-3", "-", "9" * 30 + "-0", "1-0_1-0"])
async def test_a_broken_last_event_id_is_refused_by_name(gateway: Gateway, value: str) -> None:
    """422, before a stream begins."""
    async with gateway.http.get(EVENTS, headers={"Last-Event-ID": value}) as response:
        assert response.status == HTTPStatus.UNPROCESSABLE_ENTITY
        problem = await response.json(content_type=None)
    assert problem["errors"][0]["field"] == "Last-Event-ID"


async def test_a_connection_ends_after_its_life(valkey_url: str, reader_database_url: str) -> None:
    """The server ends it cleanly; browsers return by themselves after `retry`."""
    async with (
        running_gateway(valkey_url, reader_database_url, live_connection_seconds=1) as gateway,
        gateway.http.get(EVENTS) as response,
    ):
        assert await response.content.readline() == b"retry: 2000\n"
        rest = await response.content.read()
    assert rest.strip() == b""


async def test_live_streams_do_not_hold_up_a_stop(
    valkey_url: str, reader_database_url: str
) -> None:
    """A gateway that stops ends its streams itself instead of waiting for their clients."""
    async with running_gateway(valkey_url, reader_database_url) as gateway:
        session = aiohttp.ClientSession(base_url=gateway.url)
        response = await session.get(EVENTS)
        await response.content.readline()
    # The gateway is down by now; without the hub's word this would have taken the life's 600 s.
    assert (await response.content.read()).strip() == b""
    await session.close()


async def test_the_stream_goes_on_after_a_restart_of_the_broker(
    gateway: Gateway, servers: Any
) -> None:
    """The follower connects again and the client notices nothing but a pause."""
    async with listening(gateway, "0-0") as stream:
        await gateway.publish([position_event(0)])
        assert (await anext(stream)).data["id"] == str(position_event(0).id)
        servers.valkey.restart()

        async def published() -> IssPositionEvent:
            await gateway.publish([position_event(1)])
            return position_event(1)

        await published()
        message = await anext(stream)
        assert message.data["id"] == str(position_event(1).id)


async def test_who_returns_while_the_broker_is_away_is_sent_away_cleanly(
    gateway: Gateway, servers: Servers
) -> None:
    """What was missed cannot be read: the stream ends, so that the client tries again."""
    servers.valkey.stop()
    try:
        headers = {"Last-Event-ID": "0-0"}
        async with asyncio.timeout(20), gateway.http.get(EVENTS, headers=headers) as response:
            assert response.status == HTTPStatus.OK
            assert await response.read() == b"retry: 2000\n\n"
    finally:
        servers.valkey.start()


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("iss.elements", {"cassiopeia.iss.elements.v1"}),
        ("iss", {"cassiopeia.iss.elements.v1", "cassiopeia.iss.position.v1"}),
        ("cassiopeia.iss.position.v1,space", {"cassiopeia.iss.position.v1"}),
    ],
)
async def test_a_client_gets_only_the_types_that_it_asked_for(
    gateway: Gateway, types: str, expected: set[str]
) -> None:
    """When it comes, while it stays, and when it returns."""
    await gateway.publish([elements_event(), *position_events(3)])
    for last_id in (None, "0-0"):
        headers = {"Last-Event-ID": last_id} if last_id else {}
        async with gateway.http.get(EVENTS, params={"types": types}, headers=headers) as response:
            assert response.status == HTTPStatus.OK
            stream = messages(response)
            seen: set[str] = set()
            async with asyncio.timeout(10):
                await gateway.publish([elements_event(1), position_event(10)])
                while seen < expected:
                    seen.add((await anext(stream)).event)
            assert seen == expected


async def test_an_unknown_type_is_refused_with_those_that_there_are(gateway: Gateway) -> None:
    """A client that waits for it would wait for ever."""
    async with gateway.http.get(EVENTS, params={"types": "mars"}) as response:
        assert response.status == HTTPStatus.UNPROCESSABLE_ENTITY
        document = await response.json(content_type="application/problem+json")
        assert document["errors"][0]["field"] == "types"
        assert "iss" in document["errors"][0]["message"]


async def test_what_the_streams_no_longer_have_comes_from_the_database(
    valkey_url: str, database_url: str, reader_database_url: str
) -> None:
    """A picture of yesterday is the latest one all the same; what comes then is not missed."""
    stored = [
        position_event(0),
        elements_event(),
        dataset_event(7),
        apod_event(1),
        launch_event(1, datetime.now(UTC) + timedelta(days=1)),
    ]
    await store(database_url, stored)
    async with (
        running_gateway(valkey_url, reader_database_url) as gateway,
        listening(gateway) as stream,
        asyncio.timeout(20),
    ):
        shown = [await anext(stream) for _ in stored]
        assert {message.event for message in shown} == {event.type for event in stored}
        by_type = {message.event: message.data["id"] for message in shown}
        assert by_type[stored[0].type] == str(position_event(0).id)
        await gateway.publish([position_event(1)])
        assert (await anext(stream)).data["id"] == str(position_event(1).id)
        async with listening(gateway, shown[-1].id) as again:
            assert (await anext(again)).data["id"] == str(position_event(1).id)
