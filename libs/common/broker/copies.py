"""How many copies there must be of what was written, before it counts as accepted.

Replicas copy after the answer: what the primary alone has is gone when a replica takes over. So
every replica that follows must have confirmed. Where fewer follow than did, one may have been made
primary already without the node's knowing, and the others are asked: the sentinels, or the other
primaries. Only a replica that a majority of them holds for dead need not have a copy.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import RedisError

from libs.common.broker.cluster import Cluster, as_cluster, one_node_pipeline
from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger
from libs.common.topology import Stream

_log = get_logger(__name__)

# A replica that follows confirms within milliseconds; well below the socket timeout.
CONFIRM_MS = 2_000


@dataclass(frozen=True, slots=True)
class View:
    """How a node looks to one of those that decide who is primary.

    Attributes:
        is_primary: Whether it is the primary, and nobody is taking its place.
        living: Replicas of it that are not known to be dead.
    """

    is_primary: bool
    living: int


# Given the key of a stream, returns how each of them sees the node; None for one without answer.
Observe = Callable[[str], Awaitable[Sequence[View | None]]]


class Copies:
    """Requires copies of what was written to streams.

    Args:
        redis: A client of a cluster, or of a service that sentinels watch.
        observe: Asks those that decide who is primary.
    """

    def __init__(self, redis: Redis, observe: Observe) -> None:
        self._redis = redis
        self._observe = observe
        self._following: dict[Stream, int] = {}
        self._most: dict[Stream, int] = {}

    @classmethod
    def of(cls, redis: Redis) -> "Copies | None":
        """Return the copies that a client's broker makes; None for a single server."""
        if cluster := as_cluster(redis):
            return cls(redis, lambda key: _ask_primaries(cluster, key))
        pool = redis.connection_pool
        if isinstance(pool, SentinelConnectionPool):
            return cls(redis, lambda _: _ask_sentinels(pool))
        return None

    async def confirm(self, stream: Stream) -> None:
        """Require the copies of all that was written to a stream's node so far.

        Raises:
            DependencyUnavailableError: A replica that may become primary may lack some of it.
            redis.exceptions.RedisError: The node did not answer.
        """
        pipeline = one_node_pipeline(self._redis)
        await pipeline.exists(stream.key)
        await self.request(pipeline, stream)
        _, role, confirmed = await pipeline.execute()
        await self.require(stream, role, confirmed)

    async def request(self, pipeline: Any, stream: Stream) -> None:  # noqa: ANN401 - one of two classes
        """Put at the end of a pipeline what asks its node for the copies."""
        await pipeline.role()
        # More than there are would take all of the time.
        await pipeline.wait(self._following.get(stream, 1), CONFIRM_MS)

    async def require(self, stream: Stream, role: Sequence[Any], confirmed: int) -> None:
        """Judge by the answers.

        Args:
            stream: What was written to.
            role: The answer to ROLE, after writing.
            confirmed: The answer to WAIT.

        Raises:
            DependencyUnavailableError: A replica that may become primary may lack it.
        """
        following = len(role[2])
        self._following[stream] = following
        if confirmed < following:
            raise DependencyUnavailableError(
                f"{confirmed} of {following} replicas confirmed within {CONFIRM_MS} ms"
            )
        most = self._most.get(stream, 1)
        if following < most:
            require_no_other(await self._observe(stream.key), following)
            _log.debug("fewer_replicas", stream=stream.key, replicas=following)
        self._most[stream] = max(most, following)


def require_no_other(views: Sequence[View | None], following: int) -> None:
    """Judge whether a node with so many followers is the primary beyond doubt.

    Raises:
        DependencyUnavailableError: It may not be.
    """
    answered = [view for view in views if view is not None]
    if 2 * len(answered) <= len(views):
        raise DependencyUnavailableError("it is cut off from most of those that decide")
    if not all(view.is_primary for view in answered):
        raise DependencyUnavailableError("another node takes its place")
    living = max(view.living for view in answered)
    if following < living:
        raise DependencyUnavailableError(
            f"{living - following} replicas do not follow it, and are not known to be dead"
        )


async def _ask_sentinels(pool: Any) -> list[View | None]:  # noqa: ANN401 - redis-py has no types for it
    """Ask the sentinels of the URL; where they name another primary, go there from now on."""
    address = pool.master_address

    async def ask(sentinel: Redis) -> tuple[View, bool] | None:
        try:
            state: Any = await sentinel.sentinel_master(pool.service_name)
            replicas: Any = await sentinel.sentinel_slaves(pool.service_name)
        except RedisError:
            return None
        here = (state["ip"], state["port"]) == address
        calm = not state["is_sdown"] and "failover_in_progress" not in state["flags"]
        living = [each for each in replicas if not each["is_sdown"]]
        return View(here and calm, len(living)), here

    answers = await asyncio.gather(*map(ask, pool.sentinel_manager.sentinels))
    if not all(answer[1] for answer in answers if answer):
        # Connections to a primary of yesterday stay open until it is told so, for seconds.
        await pool.disconnect()
    return [answer[0] if answer else None for answer in answers]


async def _ask_primaries(cluster: Cluster, key: str) -> list[View | None]:
    """Ask all primaries, the one in question among them."""
    name = cluster.node_of(key).name
    primaries = cluster.get_primaries()

    async def ask(primary: ClusterNode) -> View | None:
        try:
            table: Any = await primary.execute_command("CLUSTER NODES")
        except RedisError:
            return None
        mine = table.get(name)
        if mine is None:
            return View(is_primary=False, living=0)
        flags = mine["flags"].split(",")
        living = [
            each
            for each in table.values()
            if each["master_id"] == mine["node_id"] and "fail" not in each["flags"].split(",")
        ]
        return View("master" in flags and "fail" not in flags, len(living))

    return await asyncio.gather(*map(ask, primaries))
