"""Clients of the broker, in any of its forms: redis-py's for our own use, and FastStream's."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar, cast

from faststream.redis import RedisBroker
from faststream.redis.configs import ConnectionState
from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from libs.common.broker.cluster import Cluster, as_cluster
from libs.common.broker.entries import PlainFormat
from libs.common.broker.resets import noticing_resets
from libs.common.broker_url import BrokerUrl, Kind
from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger
from libs.common.outage import Outage
from libs.common.tasks import end_tasks

_log = get_logger(__name__)

_T = TypeVar("_T")

# redis-py 8 aborts blocking reads after its socket timeout: keep every BLOCK well below this.
SOCKET_TIMEOUT_S = 5.0
READ_BLOCK_MS = 1_000
# For code that answers people over these clients: enough to bridge a restart of 2 s, as the retries
# do. With a broker that hangs, the clients alone would try for half a minute.
TAKEN_WITHIN_S = 3.0


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


_IMPATIENT: dict[str, Any] = {
    "socket_timeout": 0.25,
    "socket_connect_timeout": 0.25,
    # A health check before the command would double the wait.
    "health_check_interval": 0,
    "retry": Retry(NoBackoff(), 0),
    "retry_on_error": [],
}


def connect(url: str, client_name: str, *, patient: bool = True) -> Redis:
    """Return a client for everything that is not a FastStream subscription.

    With a cluster it takes the same commands, as long as the keys of one command, script or
    transaction share a slot (`libs/common/broker/cluster.py`).

    Args:
        url: The broker.
        client_name: The name under which the broker lists the connections.
        patient: False for callers that can do without the broker: one try, given up after 250 ms.
    """
    place = BrokerUrl.parse(url)
    options = connection_options(client_name) | ({} if patient else _IMPATIENT) | place.options
    if place.kind is Kind.CLUSTER:
        nodes = [ClusterNode(host, port) for host, port in place.hosts]
        return cast("Redis", Cluster(startup_nodes=nodes, ssl=place.tls, **options))
    if place.kind is Kind.SENTINEL:
        sentinel_options = {
            name: value for name, value in options.items() if name.startswith(("socket_", "ssl_"))
        }
        sentinels = Sentinel(  # type: ignore[no-untyped-call]  # the library has no types for it
            place.hosts,
            sentinel_kwargs=sentinel_options | {"ssl": place.tls} | place.sentinel_options,
            ssl=place.tls,
            **options,
        )
        client: Redis = sentinels.master_for(place.service, redis_class=_Watched)
    else:
        client = Redis.from_url(url, **options)
    pool = client.connection_pool
    pool.connection_class = noticing_resets(pool.connection_class)
    return client


class _Watched(Redis):
    """A client of the primary that sentinels name; it also closes the sentinels' connections."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001 - as in redis-py
        await super().aclose(close_connection_pool)
        pool: Any = self.connection_pool
        await pool.sentinel_manager.aclose()


def create_broker(url: str, client_name: str) -> RedisBroker:
    """Return FastStream's broker for one process; it connects when it is started."""
    return _Broker(url, client_name)


class _Connection(ConnectionState[Any]):
    """FastStream's connection, made by `connect` like all others."""

    def __init__(self, url: str, client_name: str) -> None:
        super().__init__()
        self._url = url
        self._client_name = client_name

    async def connect(self) -> Any:  # noqa: ANN401 - as in FastStream
        self._client = connect(self._url, self._client_name)
        if cluster := as_cluster(self._client):
            # A subscription looks up a channel's node without initializing the client first.
            await cluster.initialize()
        self._connected = True
        return self._client


class _Broker(RedisBroker):
    """FastStream's broker for all forms of the broker.

    FastStream (0.7.8) has a class for clusters, but that cannot publish in pipelines, and sends
    requests over a second, blocking client without the retries and most of the options. With
    redis-py 8, the class for a single server works unchanged when it is given a cluster client.
    """

    def __init__(self, url: str, client_name: str) -> None:
        self._place = url, client_name
        super().__init__(
            # Only appears in FastStream's own AsyncAPI documents, which are not used.
            "redis://localhost",
            message_format=PlainFormat,
            graceful_timeout=8.0,
            # We log one line per batch; FastStream's two lines per message are not wanted.
            logger=logging.getLogger("faststream"),
            log_level=logging.DEBUG,
        )

    def _make_connection_state(self, *_: object) -> ConnectionState[Any]:
        return _Connection(*self._place)


async def wait_for_broker(redis: Redis) -> None:
    """Wait until the broker answers, also while it replays its log after a start."""
    outage = Outage(_log, "waiting_for_broker")
    while True:
        try:
            await redis.ping()
        except RedisError as error:
            outage.began(reason=str(error))
            await asyncio.sleep(0.5)
        else:
            return


async def broker_info(redis: Redis, section: str) -> list[dict[str, Any]]:
    """Return a section of INFO, from every primary if there are several.

    Raises:
        redis.exceptions.RedisError: A primary did not answer.
    """
    if cluster := as_cluster(redis):
        await cluster.initialize()
        asked = (node.execute_command("INFO", section) for node in cluster.get_primaries())
        return list(await asyncio.gather(*asked))
    found: Any = await redis.info(section)
    return [found]


async def answered_within(seconds: float, work: Awaitable[_T]) -> _T:
    """Return the result of work with the broker, for callers that cannot wait as long as a client.

    The work runs in a task of its own, because its clean-up after a cancellation may ask the
    broker, too, and wait as long.

    Raises:
        DependencyUnavailableError: The work is not done in time.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise DependencyUnavailableError(f"the broker does not answer within {seconds:g} s")
        return task.result()
    finally:
        await end_tasks(task)


async def check_broker(redis: Redis) -> None:
    """Ask the broker for a sign of life.

    Raises:
        DependencyUnavailableError: It does not answer.
    """
    try:
        await redis.ping()
    except RedisError as error:
        raise DependencyUnavailableError(f"the broker does not answer: {error}") from error
