"""The broker: how connections are made, groups created and events published."""

import asyncio
import contextlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

from faststream.redis import RedisBroker
from faststream.redis.parser import BinaryMessageFormatV1, MessageFormat
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from libs.common import metrics
from libs.common.errors import DependencyUnavailableError
from libs.common.events import Event
from libs.common.logging import get_logger
from libs.common.topology import ALL_STREAMS, Stream, stream_of

if TYPE_CHECKING:
    from fast_depends.library.serializer import SerializerProto
    from faststream._internal.basic_types import SendableMessage
    from faststream._internal.parser import CodecProto

_log = get_logger(__name__)

# The field of a stream entry that FastStream reads and writes.
BODY_FIELD = b"__data__"

# redis-py 8 breaks blocking reads off after its socket timeout: keep every BLOCK well below this.
SOCKET_TIMEOUT_S = 5.0
READ_BLOCK_MS = 1_000
# Small enough that a reply with a full pipeline of 1 KiB events fits the socket timeout.
PIPELINE_LENGTH = 500


class PlainFormat(MessageFormat):
    """Writes an event as its JSON alone, so that every client of the broker can read it.

    FastStream's own binary form is kept where headers carry meaning (a reply address), and both
    are understood when reading. Our traceparent and content type are in the envelope.
    """

    @classmethod
    async def encode(
        cls,
        *,
        message: Union[Sequence["SendableMessage"], "SendableMessage"],
        reply_to: str | None,
        headers: dict[str, Any] | None,
        correlation_id: str,
        serializer: Optional["SerializerProto"] = None,
        codec: Optional["CodecProto"] = None,
    ) -> bytes:
        """Return the bytes that go into the entry."""
        if isinstance(message, bytes) and not reply_to and not headers:
            return message
        return await BinaryMessageFormatV1.encode(
            message=message,
            reply_to=reply_to,
            headers=headers,
            correlation_id=correlation_id,
            serializer=serializer,
            codec=codec,
        )

    @classmethod
    def parse(cls, data: bytes) -> tuple[bytes, dict[str, Any]]:
        """Return body and headers of an entry."""
        if data.startswith(BinaryMessageFormatV1.IDENTITY_HEADER):
            return BinaryMessageFormatV1.parse(data)
        return data, {}


def connection_options(client_name: str) -> dict[str, Any]:
    """Return the options of every connection to the broker."""
    return {
        "client_name": client_name,
        "socket_timeout": SOCKET_TIMEOUT_S,
        "socket_connect_timeout": 2.0,
        "socket_keepalive": True,
        "health_check_interval": 30,
        # 5 tries within about 2 s bridge a restart of the broker; a repeated XADD is harmless,
        # because events are idempotent.
        "retry": Retry(ExponentialWithJitterBackoff(base=0.05, cap=1), 5),
        "retry_on_error": [RedisConnectionError, RedisTimeoutError],
    }


def connect(url: str, client_name: str) -> Redis:
    """Return a client for everything that is not a FastStream subscription."""
    client: Redis = Redis.from_url(url, **connection_options(client_name))
    return client


def create_broker(url: str, client_name: str) -> RedisBroker:
    """Return FastStream's broker for one process; it connects when it is started."""
    return RedisBroker(
        url,
        message_format=PlainFormat,
        graceful_timeout=8.0,
        # One canonical line per batch is ours; FastStream's two per message are not wanted.
        logger=logging.getLogger("faststream"),
        log_level=logging.DEBUG,
        **connection_options(client_name),
    )


async def sleep_or_stop(seconds: float, stop: asyncio.Event) -> None:
    """Sleep, but not past the moment when the process is asked to stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def wait_for_broker(redis: Redis) -> None:
    """Wait until the broker answers, also while it replays its log after a start."""
    complained = False
    while True:
        try:
            await redis.ping()
        except RedisError as error:
            if not complained:
                complained = True
                _log.warning("waiting_for_broker", reason=str(error))
            await asyncio.sleep(0.5)
        else:
            return


async def check_broker(redis: Redis) -> None:
    """Ask the broker for a sign of life.

    Raises:
        DependencyUnavailableError: It does not answer.
    """
    try:
        await redis.ping()
    except RedisError as error:
        raise DependencyUnavailableError(f"the broker does not answer: {error}") from error


async def ensure_groups(redis: Redis, streams: Iterable[Stream] = ALL_STREAMS) -> None:
    """Create every consumer group of the table at entry `0`, and its stream with it.

    The library's default is `$`, which skips all that was published before (ADR 0002).
    """
    for stream in streams:
        for group in stream.groups:
            try:
                await redis.xgroup_create(stream.key, group, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise


def text(value: bytes | str | int) -> str:
    """Return what the broker answered as text; its client types an id as any of the three."""
    return value.decode() if isinstance(value, bytes) else str(value)


def as_bytes(value: bytes | str) -> bytes:
    """Return what the broker answered as bytes."""
    return value if isinstance(value, bytes) else value.encode()


def body_of(fields: Mapping[bytes, bytes]) -> bytes:
    """Return the body of a stream entry.

    An entry that somebody added by hand, in other fields, is shown as those fields, so that it
    can be read among the dead letters.
    """
    body = fields.get(BODY_FIELD)
    if body is not None:
        return PlainFormat.parse(body)[0]
    readable = {
        key.decode(errors="replace"): value.decode(errors="replace")
        for key, value in fields.items()
    }
    return json.dumps(readable).encode()


class Publisher:
    """Publishes events, many in one round trip."""

    def __init__(self, broker: RedisBroker, redis: Redis) -> None:
        self._broker = broker
        self._redis = redis

    async def publish(self, events: Iterable[Event]) -> None:
        """Append events to their streams, in the order given.

        Raises:
            DependencyUnavailableError: The broker did not accept all; publishing again is harmless.
        """
        by_stream: dict[Stream, list[bytes]] = defaultdict(list)
        for event in events:
            by_stream[stream_of(event)].append(event.encode())
        for stream, bodies in by_stream.items():
            await self.publish_bodies(stream, bodies)

    async def publish_bodies(self, stream: Stream, bodies: Sequence[bytes]) -> None:
        """Append encoded messages to one stream.

        Raises:
            DependencyUnavailableError: The broker did not accept all; publishing again is harmless.
        """
        for start in range(0, len(bodies), PIPELINE_LENGTH):
            chunk = bodies[start : start + PIPELINE_LENGTH]
            pipeline = self._redis.pipeline(transaction=False)
            for body in chunk:
                await self._broker.publish(
                    body, stream=stream.key, maxlen=stream.max_entries, pipeline=pipeline
                )
            try:
                await pipeline.execute()
            except RedisError as error:
                raise DependencyUnavailableError(
                    f"the broker did not accept {len(chunk)} entries for {stream.key}: {error}"
                ) from error
            metrics.EVENTS_PUBLISHED.labels(stream.key).inc(len(chunk))
