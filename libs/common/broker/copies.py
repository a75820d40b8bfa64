"""How many copies a write must have before it counts as accepted.

Replication is asynchronous: what only the primary has is lost when a replica is promoted. So every
replica that follows the primary must confirm. If fewer replicas follow than before, one of them may
have been promoted already without this node knowing it. Then those that decide about promotions are
asked: the sentinels, or all primaries of the cluster. Only a replica that a majority of them
considers dead need not have a copy.
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

# A replica that follows confirms within milliseconds. Well below the socket timeout.
CONFIRM_MS = 2_000


@dataclass(frozen=True, slots=True)
class View:
    """How one of those that decide about promotions, a sentinel or a primary, sees a node.

    Attributes:
        is_primary: Whether the node is the primary, and no other node is taking its place.
        living: The number of its replicas that are not known to be dead.
    """

    is_primary: bool
    living: int


# Given a stream's key, returns how each of them sees the key's node; None for one without answer.
Observe = Callable[[str], Awaitable[Sequence[View | None]]]


class Copies:
    """Requires copies of what was written to streams.

    Args:
        redis: A client of a cluster, or of a service that sentinels watch.
        observe: Asks those that decide about promotions.
    """

    def __init__(self, redis: Redis, observe: Observe) -> None:
        self._redis = redis
        self._observe = observe
        self._following: dict[Stream, int] = {}
        self._most: dict[Stream, int] = {}

    @classmethod
    def of(cls, redis: Redis) -> "Copies | None":
        """Return an instance for a client's broker; None for a single server: it has no copies."""
        if cluster := as_cluster(redis):
            return cls(redis, lambda key: _ask_primaries(cluster, key))
        pool = redis.connection_pool
        if isinstance(pool, SentinelConnectionPool):
            return cls(redis, lambda _: _ask_sentinels(pool))
        return None

    async def confirm(self, stream: Stream) -> None:
        """Require copies of everything that was written to a stream's node so far.

        Raises:
            DependencyUnavailableError: A replica that may be promoted may lack some of it.
            redis.exceptions.RedisError: The node did not answer.
        """
        pipeline = one_node_pipeline(self._redis)
        await pipeline.exists(stream.key)
        await self.request(pipeline, stream)
        _, role, confirmed = await pipeline.execute()
        await self.require(stream, role, confirmed)

    async def request(self, pipeline: Any, stream: Stream) -> None:  # noqa: ANN401 - one of two classes
        """Append to a pipeline the commands that ask its node for copies."""
        await pipeline.role()
        # To ask for more replicas than there are would always take the whole `CONFIRM_MS`.
        await pipeline.wait(self._following.get(stream, 1), CONFIRM_MS)

    async def require(self, stream: Stream, role: Sequence[Any], confirmed: int) -> None:
        """Judge by the answers whether there are enough copies.

        Args:
            stream: The stream that was written to.
            role: The answer to ROLE, given after the write.
            confirmed: The answer to WAIT.

        Raises:
            DependencyUnavailableError: A replica that may be promoted may lack the write.
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
    """Judge whether a node that `following` replicas follow is the primary beyond doubt.

    Raises:
        DependencyUnavailableError: There is a doubt.
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
    """Ask the sentinels of the URL; if they name another primary, connect to that from now on."""
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
        # A deposed primary keeps its connections open until it learns of that, seconds later.
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
