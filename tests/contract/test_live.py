"""`/api/v1/events`: server-sent events, resumed without a gap."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from libs.common.broker import EntryId
from libs.common.events import IssPositionEvent
from libs.common.metrics import REGISTRY
from libs.common.topology import EVENT_STREAMS, EVENTS_ISS, EVENTS_OSDR
from services.gateway.api.events import EventsParams
from services.gateway.api.events import events as serve_events
from services.gateway.keys import HUB, SETTINGS
from services.gateway.live import MOST_PASSED, LiveHub
from services.gateway.offsets import Offsets
from services.gateway.settings import GatewaySettings
from tests.catalogue import apod_event, dataset_event, launch_event
from tests.contract.clients import store
from tests.factories import elements_event, position_event, position_events
from tests.gateways import Gateway, running_gateway
from tests.servers import Servers
from tests.waiting import wait_until

EVENTS = "/api/v1/events"


@dataclass(frozen=True, slots=True)
class Message:
    """One server-sent event; a place, which is an id alone, has neither `event` nor `data`."""

    event: str
    id: str | None
    data: Any = None


async def blocks(response: aiohttp.ClientResponse) -> AsyncIterator[Message]:
    """Parse an event stream, places included."""
    fields: dict[str, str] = {}
    async for line in response.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
            continue
        if "data" in fields:
            yield Message(fields["event"], fields.get("id"), json.loads(fields["data"]))
        elif "id" in fields:
            yield Message("", fields["id"])
        fields = {}


async def messages(response: aiohttp.ClientResponse) -> AsyncIterator[Message]:
    """Parse an event stream as a browser shows it, which dispatches nothing for a place."""
    async for block in blocks(response):
        if block.event:
            yield block


@asynccontextmanager
async def listening(
    gateway: Gateway,
    last_id: str | None = None,
    *,
    read: Callable[[aiohttp.ClientResponse], AsyncIterator[Message]] = messages,
    **params: str,
) -> AsyncIterator[AsyncIterator[Message]]:
    """Open a live stream."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with gateway.http.get(EVENTS, headers=headers, params=params) as response:
        assert response.status == HTTPStatus.OK
        assert response.content_type == "text/event-stream"
        yield read(response)


async def place_of(stream: AsyncIterator[Message]) -> str:
    """Read on until the client is told its place."""
    async for block in stream:
        if not block.event and block.id:
            return block.id
    raise AssertionError("the stream ended without a place")


async def known_to(gateway: Gateway, event: IssPositionEvent) -> None:
    """Wait until the gateway has read a position."""

    async def known() -> bool:
        async with gateway.http.get("/api/v1/iss/position") as response:
            document = await response.json(content_type=None)
            return bool(document.get("id") == str(event.id))

    await wait_until(known, 10, "the events at the gateway")


async def test_a_new_client_gets_the_latest_of_each_type_and_then_what_comes(
    gateway: Gateway,
) -> None:
    """A page needs no second call to show something."""
    await gateway.publish([position_event(0), elements_event(), position_event(1)])
    await known_to(gateway, position_event(1))
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
            async with listening(gateway, last_id, read=blocks) as stream:
                for _ in range(randomness.randint(1, 200)):
                    message = await anext(stream)
                    if not message.event:
                        last_id = message.id or last_id
                        continue
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


async def test_what_was_trimmed_away_is_told_too(gateway: Gateway) -> None:
    """To who has not seen it; a trim leaves no trace such as a deletion does."""
    await gateway.publish(position_events(10))
    entries: Any = await gateway.redis.xrange(EVENTS_ISS.key)
    await gateway.redis.xtrim(EVENTS_ISS.key, minid=entries[5][0].decode(), approximate=False)
    async with listening(gateway, entries[0][0].decode()) as stream:
        assert (await anext(stream)).event == "gap"
        assert (await anext(stream)).data["id"] == str(position_event(5).id)
    async with listening(gateway, entries[6][0].decode()) as stream:
        assert (await anext(stream)).data["id"] == str(position_event(7).id)
    await gateway.redis.xtrim(EVENTS_ISS.key, maxlen=0, approximate=False)
    async with listening(gateway, entries[0][0].decode(), read=blocks) as stream:
        assert (await anext(stream)).event == "gap"
        assert (await anext(stream)).event == ""
    async with listening(gateway, entries[9][0].decode(), read=blocks) as stream:
        assert (await anext(stream)).event == ""


async def test_who_comes_after_a_start_returns_without_reading_anything_again(
    valkey_url: str, reader_database_url: str, gateway: Gateway
) -> None:
    """The place of a new client covers all streams, those too that were trimmed to nothing."""
    await gateway.publish([*position_events(3), dataset_event(7), apod_event(1)])
    await gateway.redis.xtrim(EVENTS_OSDR.key, maxlen=0, approximate=False)
    async with running_gateway(valkey_url, reader_database_url) as started:
        async with listening(started, read=blocks) as stream:
            shown = [await anext(stream) for _ in range(2)]
            assert [message.id for message in shown] == [None, None]
            place = await place_of(stream)
        async with listening(started, place, types="space") as stream:
            await started.publish([apod_event(2)])
            assert (await anext(stream)).data["id"] == str(apod_event(2).id)


async def test_a_client_of_few_types_is_told_how_far_it_has_come(gateway: Gateway) -> None:
    """Else its return would read all again that it did not ask for."""
    async with listening(gateway, read=blocks, types="space") as stream:
        first = await place_of(stream)
        await gateway.publish(position_events(MOST_PASSED))
        second = await place_of(stream)
    assert Offsets.decode(second).entries > Offsets.decode(first).entries
    entries: Any = await gateway.redis.xrange(EVENTS_ISS.key)
    assert entries[-1][0].decode() in second


async def test_a_stream_is_no_latency_and_its_closing_no_fault(gateway: Gateway) -> None:
    """It counts as 200 when its client leaves; the histogram has nothing of it."""

    def left() -> float:
        labels = {"route": EVENTS, "method": "GET", "status": "200"}
        return REGISTRY.get_sample_value("cassiopeia_http_requests_total", labels) or 0.0

    before = left()
    async with listening(gateway, read=blocks) as stream:
        await place_of(stream)
    await wait_until(lambda: left() == before + 1, 10, "the end of the stream at the gateway")
    count = "cassiopeia_http_request_duration_seconds_count"
    assert REGISTRY.get_sample_value(count, {"route": EVENTS}) is None


async def test_the_age_of_what_the_gateway_reads_is_measured(gateway: Gateway) -> None:
    """An entry of a minute ago shows that the gateway is a minute behind."""
    entry = f"{int(time.time() * 1_000) - 60_000}-0"
    fields: Any = {"__data__": position_event(0).encode()}
    await gateway.redis.xadd(EVENTS_ISS.key, fields, id=entry)
    name, labels = "cassiopeia_gateway_stream_age_seconds", {"stream": EVENTS_ISS.key}
    await known_to(gateway, position_event(0))
    await wait_until(
        lambda: (REGISTRY.get_sample_value(name, labels) or 0.0) >= 60, 10, "the age of the entry"
    )


async def test_a_poison_entry_is_passed_over(gateway: Gateway) -> None:
    """It becomes a dead letter elsewhere; live clients see its neighbours."""
    await gateway.publish([position_event(0)])
    await gateway.publisher.publish_bodies(EVENTS_ISS, [b"poison"])
    await gateway.publish([position_event(1)])
    async with listening(gateway, "0-0") as stream:
        ids = [(await anext(stream)).data["id"] for _ in range(2)]
    assert ids == [str(position_event(index).id) for index in (0, 1)]


FUTURE = "9999999999999-0"


@pytest.mark.parametrize(
    "last_id",
    [
        pytest.param(FUTURE, id="ahead"),
        pytest.param("_".join([FUTURE] * len(EVENT_STREAMS)), id="ahead-in-every-stream"),
        pytest.param("_".join(["0-0"] * 4 + [FUTURE]), id="ahead-in-one-that-is-not-there"),
        pytest.param("1-0_1-0", id="fewer-streams"),
        pytest.param("_".join(["1-0"] * 9), id="more-streams"),
    ],
)
async def test_a_place_that_the_streams_do_not_have_is_told_and_left(
    gateway: Gateway, last_id: str
) -> None:
    """After a gap comes the present state; its place replaces the old one, and events come."""
    await gateway.publish(position_events(3))
    await known_to(gateway, position_event(2))
    async with listening(gateway, last_id, read=blocks, types="iss.position") as stream:
        gap = await anext(stream)
        assert (gap.event, gap.data, gap.id) == ("gap", {"since": last_id}, None)
        assert (await anext(stream)).data["id"] == str(position_event(2).id)
        place = await place_of(stream)
        await gateway.publish([position_event(3)])
        assert (await anext(stream)).data["id"] == str(position_event(3).id)
    async with listening(gateway, place, types="iss.position") as stream:
        assert (await anext(stream)).data["id"] == str(position_event(3).id)


async def test_who_is_ahead_of_this_replica_only_has_missed_nothing(
    gateway: Gateway, valkey_url: str
) -> None:
    """Another replica has read what this one has not; the broker knows, and no gap is told."""
    events = position_events(4)
    await gateway.publish(events)
    entries: Any = await gateway.redis.xrange(EVENTS_ISS.key)
    index = EVENT_STREAMS.index(EVENTS_ISS)
    read = [EntryId.parse(entry_id) for entry_id, _ in entries]
    # Nobody follows the streams for this hub: it stays as far behind as it is.
    hub = LiveHub(gateway.redis, queue_length=10)
    application = web.Application()
    application[HUB], application[SETTINGS] = hub, GatewaySettings(redis_url=valkey_url)
    application.router.add_get(EVENTS, partial(serve_events, params=EventsParams()))
    place = Offsets().advanced(index, read[2]).encode()
    async with (
        TestClient(TestServer(application)) as http,
        http.get(EVENTS, headers={"Last-Event-ID": place}) as response,
    ):
        stream = blocks(response)
        assert await anext(stream) == Message("", place)
        for event, entry in zip(events, read, strict=True):
            hub.publish(event, index, entry)
        assert (await anext(stream)).data["id"] == str(events[3].id)


async def test_the_gateway_follows_a_broker_that_has_fallen_behind_it(gateway: Gateway) -> None:
    """Its clients are sent away; they return to a gap, the present state, and what comes then."""
    fields: Any = {"__data__": position_event(0).encode()}
    await gateway.redis.xadd(EVENTS_ISS.key, fields, id=FUTURE)
    await known_to(gateway, position_event(0))
    async with listening(gateway, read=blocks) as stream:
        place = await place_of(stream)
        assert FUTURE in place
        await gateway.redis.delete(EVENTS_ISS.key)
        await gateway.publish([position_event(1)])
        assert [block async for block in stream] == []
    async with listening(gateway, place) as stream:
        assert (await anext(stream)).event == "gap"
        assert (await anext(stream)).data["id"] == str(position_event(1).id)
        await gateway.publish([position_event(2)])
        assert (await anext(stream)).data["id"] == str(position_event(2).id)


@pytest.mark.parametrize("value", ["yesterday", "1", "1-2-3", "-", "9" * 30 + "-0", "1-0_", "_1-0"])
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
    assert rest.strip() == f"id: {Offsets().encode()}".encode()


async def test_live_streams_do_not_hold_up_a_stop(
    valkey_url: str, reader_database_url: str
) -> None:
    """A gateway that stops ends its streams itself instead of waiting for their clients."""
    async with running_gateway(valkey_url, reader_database_url) as gateway:
        session = aiohttp.ClientSession(base_url=gateway.url)
        response = await session.get(EVENTS)
        await response.content.readline()
    # The gateway is down by now; without the hub's word this would have taken the life's 600 s.
    place = f"id: {Offsets().encode()}"
    assert set((await response.content.read()).decode().split("\n")) == {place, ""}
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
        listening(gateway, read=blocks) as stream,
        asyncio.timeout(20),
    ):
        shown = [await anext(stream) for _ in stored]
        assert {message.event for message in shown} == {event.type for event in stored}
        by_type = {message.event: message.data["id"] for message in shown}
        assert by_type[stored[0].type] == str(position_event(0).id)
        place = await place_of(stream)
        await gateway.publish([position_event(1)])
        assert (await anext(stream)).data["id"] == str(position_event(1).id)
        async with listening(gateway, place) as again:
            assert (await anext(again)).data["id"] == str(position_event(1).id)
