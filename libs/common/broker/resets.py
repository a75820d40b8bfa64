"""Connections that report a reset as a lost connection, whichever event loop they run on."""

from collections.abc import Iterable
from typing import TypeVar

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

_Class = TypeVar("_Class", bound=type[AbstractConnection])


def noticing_resets(connection_class: _Class) -> _Class:
    """Return a subclass whose writes fail with `ConnectionError` after a reset.

    uvloop raises RuntimeError for a write to a transport that a reset has closed meanwhile. And
    when a node of a cluster fails, redis-py closes its idle connections one after another, even one
    that a caller has taken by then, whose write raises AttributeError. redis-py (8.1) lets both
    through: neither its retries nor our handling of a broker that is away would see them.
    """

    class _NoticingResets(connection_class):  # type: ignore[valid-type, misc]  # a class made here
        async def send_packed_command(
            self,
            command: bytes | str | Iterable[bytes],
            check_health: bool = True,  # noqa: FBT001, FBT002 - as in redis-py
        ) -> None:
            try:
                await super().send_packed_command(command, check_health)
            except (RuntimeError, AttributeError) as error:
                raise RedisConnectionError(f"the connection was reset: {error}") from error

    return _NoticingResets  # type: ignore[return-value]  # it is a subclass
