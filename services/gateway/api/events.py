"""`/api/v1/events`: the live stream as server-sent events."""

import asyncio
import json
from typing import Annotated, Any

from aiohttp import web
from aiohttp_sse import EventSourceResponse
from pydantic import BeforeValidator, Field
from redis.exceptions import RedisError

from libs.common.events import EVENT_CLASSES
from libs.common.logging import get_logger
from services.gateway.extents import Extent
from services.gateway.keys import HUB, SETTINGS
from services.gateway.live import LiveClient, LiveHub
from services.gateway.offsets import Offsets
from services.gateway.problems import invalid_parameter
from services.gateway.routing import EVENT_STREAM, Params, Route

_log = get_logger(__name__)

# How long a browser waits before it reconnects, in milliseconds.
RETRY_MS = 2_000
TYPES = frozenset(event_class.TYPE for event_class in EVENT_CLASSES)
# A client that acknowledges nothing for this long counts as gone.
SEND_TIMEOUT_S = 30.0


def _known_types(value: object) -> object:
    """Return the types that a list of types, or of domains such as `iss`, stands for."""
    if not isinstance(value, str):
        return value
    found: set[str] = set()
    for name in value.split(","):
        meant = {
            type_ for type_ in TYPES if type_ == name or type_.startswith(f"cassiopeia.{name}.")
        }
        if not meant:
            short = ", ".join(sorted({type_.split(".")[1] for type_ in TYPES}))
            raise ValueError(f"expected types such as iss.position, or one of {short}")
        found |= meant
    return frozenset(found)


class EventsParams(Params):
    """Which events to send."""

    types: Annotated[frozenset[str], BeforeValidator(_known_types)] | None = Field(
        default=None,
        description="Only these, separated by commas; all of a domain by its name alone.",
        examples=["iss.position,space"],
        json_schema_extra={"type": "string"},
    )


async def events(request: web.Request, params: EventsParams) -> web.StreamResponse:
    """Send the events that a returning client has missed, then every event as it comes."""
    hub, settings = request.app[HUB], request.app[SETTINGS]
    seen = _last_seen(request)
    with hub.client(params.types) as client:
        response = EventSourceResponse(sep="\n", send_timeout=SEND_TIMEOUT_S)
        await response.prepare(request)
        async with response:
            try:
                async with asyncio.timeout(settings.live_connection_seconds):
                    await response.write(f"retry: {RETRY_MS}\n\n".encode())
                    if seen is None:
                        seen = await _show_state(response, hub, client)
                    else:
                        seen = await _catch_up(response, hub, client, seen)
                    await _go_live(response, hub, client, seen)
            except TimeoutError:
                # The connection has reached its greatest age; the client reconnects where it was.
                pass
            except ConnectionResetError:
                # The client has gone.
                pass
            except RedisError as error:
                # The missed events cannot be read now: the client reconnects until they can. An
                # error status would end a browser's stream for good.
                _log.info("live_stream_ended", reason=str(error))
    return response


async def _show_state(response: EventSourceResponse, hub: LiveHub, client: LiveClient) -> Offsets:
    """Send the newest event of each type, then the position from which the client goes on.

    A client that is cut off before it has the position gets the whole state again.
    """
    # Without an await in between: the queue holds exactly the events that come from here on.
    client.clear()
    seen = hub.offsets
    shown = b"".join(frame.without_id for frame in hub.latest() if client.wants(frame))
    await response.write(shown + _place(seen))
    return seen


async def _catch_up(
    response: EventSourceResponse, hub: LiveHub, client: LiveClient, told: Offsets
) -> Offsets:
    """Send the missed events from the streams, until the queue takes over without a gap.

    A position that the streams do not have is from another broker, or another layout. Waiting until
    the streams reach it could take for ever, so such a client gets the present state.
    """
    extents = await hub.extents()
    seen = told.within(Offsets(tuple(extent.last for extent in extents)))
    if seen is None or any(map(Extent.lacks, extents, seen.entries)):
        await response.write(_note("gap", {"since": told.encode()}))
    if seen is None:
        return await _show_state(response, hub, client)
    while True:
        # Without an await in between: every event that comes from here on is in the queue.
        target = hub.offsets
        client.clear()
        async for frame in hub.replay(seen, target):
            if client.wants(frame):
                await response.write(frame.data)
            seen = seen.advanced(frame.stream, frame.entry)
        # Entries that are no events yield no frame, but have been read as well.
        seen = seen.furthest(target)
        if not client.dropped:
            await response.write(_place(seen))
            return seen


async def _go_live(
    response: EventSourceResponse, hub: LiveHub, client: LiveClient, seen: Offsets
) -> None:
    while not hub.closing:
        frames, dropped = await client.next()
        if client.is_over:
            return
        place = hub.offsets
        if dropped:
            await response.write(_note("dropped", {"events": dropped}))
        # A client that comes from another replica may be ahead of this replica.
        frames = [frame for frame in frames if frame.entry > seen.entries[frame.stream]]
        if frames:
            await response.write(b"".join(frame.data for frame in frames))
        else:
            await response.write(_place(seen.furthest(place)))


def _last_seen(request: web.Request) -> Offsets | None:
    value = request.headers.get("Last-Event-ID")
    if not value:
        return None
    try:
        return Offsets.decode(value)
    except ValueError as error:
        raise invalid_parameter("Last-Event-ID", str(error)) from None


def _place(offsets: Offsets) -> bytes:
    """Render a client's position: without data, a browser keeps the id and dispatches nothing."""
    return f"id: {offsets.encode()}\n\n".encode()


def _note(event: str, data: dict[str, Any]) -> bytes:
    """Render an event about the connection itself; without an id, it moves no client's position."""
    return f"event: {event}\ndata: {json.dumps(data)}\n\n".encode()


ROUTES = (
    Route(
        path="/api/v1/events",
        handler=events,
        summary="Every event as it comes: a stream of server-sent events.",
        tag="events",
        params=EventsParams,
        media=EVENT_STREAM,
        # For a client that returns after a long time the streams are read again.
        cost=5,
    ),
)
