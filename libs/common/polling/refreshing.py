"""Commands: requests that travel over the broker from the gateway to the service concerned."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from faststream.redis import RedisBroker, StreamSub
from faststream.redis.annotations import RedisStreamMessage
from pydantic import AwareDatetime, BaseModel, ConfigDict
from redis.asyncio import Redis

from libs.common.broker import (
    READ_BLOCK_MS,
    TAKEN_WITHIN_S,
    EntryId,
    Publisher,
    answered_within,
    text,
)
from libs.common.broker.trimming import now_ms
from libs.common.clock import Clock
from libs.common.polling.poller import Poller
from libs.common.topology import COMMANDS_REFRESH

# After this time, the client that asked for fresh data no longer waits for it.
REFRESH_LIFE = timedelta(seconds=10)


class RefreshCommand(BaseModel):
    """A request to poll a source before its time, if the source's limits allow it."""

    model_config = ConfigDict(frozen=True)

    source: str
    requested_at: AwareDatetime


async def request_refresh(publisher: Publisher, source: str, clock: Clock) -> None:
    """Ask the poller of a source, wherever it runs, to poll now.

    Raises:
        DependencyUnavailableError: The broker refused the command, or did not answer in time.
    """
    command = RefreshCommand(source=source, requested_at=clock.now())
    bodies = [command.model_dump_json().encode()]
    publishing = publisher.publish_bodies(COMMANDS_REFRESH, bodies)
    await answered_within(TAKEN_WITHIN_S, publishing)


async def obey_refresh(broker: RedisBroker, redis: Redis, pollers: Iterable[Poller]) -> None:
    """Subscribe pollers to refresh commands; call it before the broker starts.

    Every replica reads every command, without a consumer group. Only the replica that holds the
    lease acts, and a command that no replica was there to read is worthless.
    """
    by_source = {poller.source: poller for poller in pollers}
    newest: Any = await redis.xrevrange(COMMANDS_REFRESH.key, count=1)

    @broker.subscriber(
        stream=StreamSub(
            COMMANDS_REFRESH.key,
            # FastStream's default `$` would miss commands that arrive between two reads.
            last_id=text(newest[0][0]) if newest else "0-0",
            polling_interval=READ_BLOCK_MS,
            max_records=100,
        )
    )
    async def refresh(command: RefreshCommand, message: RedisStreamMessage) -> None:
        poller = by_source.get(command.source)
        # The age is measured by the broker's clock alone: the gateway's clock may differ from ours.
        if poller and await _age(redis, message.raw_message["message_ids"][0]) < REFRESH_LIFE:
            poller.request_refresh()


async def _age(redis: Redis, entry_id: bytes | str) -> timedelta:
    asked_ms = EntryId.parse(entry_id).accepted_ms
    return timedelta(milliseconds=await now_ms(redis, COMMANDS_REFRESH) - asked_ms)
