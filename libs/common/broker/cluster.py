"""A cluster client that retries as long, and is as easy to use, as that of a single server."""

# ruff: noqa: ANN401 - redis-py types the words and answers of commands as Any

from collections.abc import Generator
from contextlib import suppress
from typing import Any, Self

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, PipelineCommand, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.commands import AsyncCoreCommands
from redis.exceptions import (
    AskError,
    ClusterDownError,
    RedisClusterException,
    RedisError,
    SlotNotCoveredError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from libs.common.broker.resets import noticing_resets

# In these commands the keys follow the word STREAMS instead of having a fixed place.
_READS = frozenset({"XREAD", "XREADGROUP"})
_STREAMS = b"STREAMS"
# Errors that pass once a slot has moved to another node, or a replica has been promoted.
_PASSING = (RedisConnectionError, RedisTimeoutError, ClusterDownError, AskError, TryAgainError)


def _patience() -> Retry:
    # 5 tries within about 2 s, as with a single server; callers have timeouts of their own.
    return Retry(ExponentialWithJitterBackoff(base=0.05, cap=1), 5, supported_errors=_PASSING)


class Cluster(RedisCluster):
    """redis-py's cluster client, without four of its surprises.

    - It repeats a command without a pause, and so gives up long before a replica is promoted.
    - It raises `RedisClusterException`, which is not a `RedisError`, when no node answers.
    - It asks one node where the keys of an XREAD are, and no other when that node is dead.
    - It runs a transaction in a thread with an event loop of its own.
    """

    def __init__(self, **options: Any) -> None:
        # One retry, with which redis-py looks for the new primary; the other retries are ours.
        super().__init__(**{**options, "retry": Retry(NoBackoff(), 1)})
        made = self.connection_kwargs["connection_class"]
        self.connection_kwargs["connection_class"] = noticing_resets(made)

    async def initialize(self, *arguments: Any, **options: Any) -> "Cluster":
        """Learn which node serves which slots.

        Raises:
            redis.exceptions.ConnectionError: No node answers, or no node serves some of the slots.
        """
        try:
            await super().initialize(*arguments, **options)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from error
        return self

    async def execute_command(self, *words: Any, **options: Any) -> Any:
        """Send a command to the node that serves its key, also after the key has moved.

        Raises:
            redis.exceptions.RedisError: It was refused, or no node answered for about 2 s.
        """
        execute = super().execute_command

        async def once() -> Any:
            try:
                return await execute(*words, **options)
            except SlotNotCoveredError as error:
                raise RedisConnectionError(str(error)) from error

        return await _patience().call_with_retry(once, _pass_over)

    async def _determine_slot(self, command: str, *words: Any) -> int:
        if command in _READS:
            streams = words[words.index(_STREAMS) + 1 :]
            slots = {self.keyslot(key) for key in streams[: len(streams) // 2]}
            if len(slots) == 1:
                return slots.pop()
        return await super()._determine_slot(command, *words)

    def node_of(self, key: str) -> ClusterNode:
        """Return the primary that serves a key, as far as is known.

        Raises:
            redis.exceptions.ConnectionError: It is not known.
        """
        try:
            node = self.get_node_from_key(key)
        except SlotNotCoveredError as error:
            raise RedisConnectionError(str(error)) from error
        if node is None:
            raise RedisConnectionError(f"no node serves {key}")
        return node

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> Any:
        """Return a pipeline; the keys of a transaction must share a slot."""
        if transaction:
            return OneNodePipeline(self, transaction=True)
        return super().pipeline(shard_hint=shard_hint)


class OneNodePipeline(AsyncCoreCommands):
    """Commands that are sent together over one connection, to the node that serves the first key.

    `WAIT` only answers for writes of its own connection, so it must be sent over the same one.
    """

    # redis-py's commands expect this attribute, but none of those in use needs a value.
    _event_dispatcher: Any = None

    def __init__(self, cluster: Cluster, *, transaction: bool) -> None:
        self._cluster = cluster
        self._transaction = transaction
        self._words: list[tuple[Any, ...]] = []

    def __await__(self) -> Generator[Any, None, Self]:
        """Allow `await pipeline.set(...)`, as a single server's pipeline does."""
        return self._itself().__await__()

    def execute_command(self, *words: Any, **_: Any) -> Self:
        """Keep a command until `execute`; its key, if it has one, is its second word."""
        self._words.append(words)
        return self

    async def execute(self) -> list[Any]:
        """Send the kept commands; return the answers.

        Raises:
            redis.exceptions.RedisError: A command was refused (this is the error of the first
                one), or no node answered.
        """
        if not self._words:
            return []
        return await _patience().call_with_retry(self._once, self._look_again)

    async def _once(self) -> list[Any]:
        await self._cluster.initialize()
        node = self._cluster.node_of(self._words[0][1])
        sent = self._words if not self._transaction else [("MULTI",), *self._words, ("EXEC",)]
        commands = [PipelineCommand(number, *words) for number, words in enumerate(sent)]
        if await node.execute_pipeline(commands):
            raise next(each.result for each in commands if isinstance(each.result, Exception))
        answers: list[Any] = [command.result for command in commands]
        return list(answers[-1]) if self._transaction else answers

    async def _look_again(self, _: Exception) -> None:
        # If no node knows either, the next try raises that.
        with suppress(RedisClusterException, RedisError):
            await self._cluster.nodes_manager.initialize()

    async def _itself(self) -> Self:
        return self


def as_cluster(client: object) -> Cluster | None:
    """Return a client of the broker as that of a cluster; None when it is of another kind."""
    return client if isinstance(client, Cluster) else None


def one_node_pipeline(client: Redis) -> Any:
    """Return a pipeline for keys of one slot, without a transaction, over one connection."""
    if cluster := as_cluster(client):
        return OneNodePipeline(cluster, transaction=False)
    return client.pipeline(transaction=False)


async def _pass_over(_: Exception) -> None:
    """Do nothing between two tries."""
