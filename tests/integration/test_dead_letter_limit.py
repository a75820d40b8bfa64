"""After a bad deploy a consumer stands still; nothing is lost, and a mended one goes on."""

import pytest
from redis.asyncio import Redis

from libs.common.breaker import BackOff
from libs.common.broker import Publisher
from libs.common.consuming.dead_letter_limit import LetterLimit
from libs.common.consuming.stream_consumer import ConsumerOptions, check_consumers
from libs.common.errors import DependencyUnavailableError
from libs.common.runtime import Runtime
from libs.common.topology import EVENTS_ISS
from tests.factories import position_events
from tests.integration.consumers import Handler, all_done, consuming, letters, pending
from tests.integration.storing import count, query, storing
from tests.waiting import wait_until


def limited(count: int, *, pause_s: float, ratio: float = 0.5) -> ConsumerOptions:
    """Return options with a limit on letters."""
    return ConsumerOptions(
        batch_size=50,
        readers=2,
        reclaim_idle_s=0.1,
        reclaim_every_s=0.05,
        letter_limit=LetterLimit(count, ratio, pause=BackOff(1, pause_s, pause_s)),
    )


async def test_a_consumer_that_rejects_everything_stands_still(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """It diverts as many as the limit allows; the rest waits, and readiness says why."""
    await publisher.publish(position_events(300))
    handler = Handler(rejects=lambda _: True)

    async def both_readers_wait() -> bool:
        # What was withheld of the first batch, and a batch in the hands of each reader.
        return consumer.halted and await pending(broker_client) == 140

    async with consuming(valkey_url, handler, limited(10, pause_s=3_600)) as consumer:
        await wait_until(both_readers_wait, 5, "the standstill")
        assert consumer.busy
        with pytest.raises(DependencyUnavailableError, match=r"events:iss.*DEAD_LETTER_LIMIT"):
            await check_consumers([consumer])
    assert len(await letters(broker_client)) == 10
    assert handler.calls <= 2
    assert handler.taken == []


async def test_a_mended_consumer_goes_on_by_itself(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """When what rejected everything is mended, the next look finds it, and the rest is taken."""
    events = [event.encode() for event in position_events(300)]
    await publisher.publish_bodies(EVENTS_ISS, events)
    handler = Handler(rejects=lambda _: True)
    async with consuming(valkey_url, handler, limited(10, pause_s=0.2)) as consumer:
        await wait_until(lambda: handler.calls >= 6, 10, "several looks")
        assert len(await letters(broker_client)) == 10
        handler.rejects = lambda _: False
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
        await check_consumers([consumer])
    dead = {letter["body"] for letter in await letters(broker_client)}
    assert len(dead) == 10
    assert set(handler.bodies) | dead == set(events)


async def test_poison_among_good_entries_stops_nothing(
    publisher: Publisher, broker_client: Redis, valkey_url: str
) -> None:
    """However many letters there are, while they are the smaller part they are all diverted."""
    events = [event.encode() for event in position_events(300)]
    bad = set(events[::3])
    await publisher.publish_bodies(EVENTS_ISS, events)
    handler = Handler(rejects=lambda entry: entry.body in bad)
    async with consuming(valkey_url, handler, limited(10, pause_s=3_600)) as consumer:
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
        assert not consumer.halted
    assert {letter["body"] for letter in await letters(broker_client)} == bad


async def test_a_bad_deploy_and_its_mending(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """A service whose rows the database refuses is not ready; mended, it stores all but few."""
    await query(
        database_url, "ALTER TABLE iss_positions ADD CONSTRAINT wrong CHECK (altitude_km < 0)"
    )
    await publisher.publish(position_events(100))
    settings = {"dead_letter_limit": 5, "batch_size": 20, "reclaim_idle_seconds": 1}

    async def verdict(runtime: Runtime) -> str:
        try:
            await runtime.checks["dead_letters"]()
        except DependencyUnavailableError as error:
            return str(error)
        return "ok"

    async def stands_still() -> bool:
        return EVENTS_ISS.key in await verdict(runtime)

    async with storing(valkey_url, database_url, **settings) as runtime:
        await wait_until(stands_still, 10, "the standstill")
    assert len(await letters(broker_client)) == 5
    await query(database_url, "ALTER TABLE iss_positions DROP CONSTRAINT wrong")
    async with storing(valkey_url, database_url, **settings) as runtime:
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
        assert await verdict(runtime) == "ok"
    assert await count(database_url) == 95
    assert len(await letters(broker_client)) == 5
