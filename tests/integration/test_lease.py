"""The lease: one holder over all processes, and a holder that knows when its time is over."""

import asyncio

import pytest
from redis.asyncio import Redis

from libs.common.clock import SystemClock
from libs.common.errors import LeaseLostError
from libs.common.polling.fence import Fence
from libs.common.polling.lease import Lease
from tests.clocks import JumpingClock
from tests.integration.consumers import command
from tests.waiting import wait_until


def lease(
    client: Redis, owner: str, *, life_s: float = 60, clock: SystemClock | None = None
) -> Lease:
    """Return one contender for the lease of the source `iss`."""
    return Lease(
        client,
        owner=owner,
        life_s=life_s,
        clock=clock or SystemClock(),
        fence=Fence(client, "iss"),
    )


async def forever() -> None:
    """Work until cancelled."""
    await asyncio.Event().wait()


async def is_free(client: Redis) -> bool:
    """Tell whether nobody holds the lease."""
    return not await client.exists("cassiopeia:source:{iss}:lease")


async def test_one_of_many_gets_it(broker_client: Redis) -> None:
    """Of contenders that ask at the same moment, exactly one holds the lease."""
    contenders = [lease(broker_client, f"replica-{n}") for n in range(20)]
    assert sum(await asyncio.gather(*(each.acquire() for each in contenders))) == 1
    assert sum(each.held for each in contenders) == 1


async def test_the_fencing_number_grows(broker_client: Redis) -> None:
    """Every new holder has a larger number than all before it, whoever they were."""
    numbers = []
    for n in range(5):
        contender = lease(broker_client, f"replica-{n % 2}")
        assert await contender.acquire()
        numbers.append(contender.fence)
        await contender.hold(asyncio.sleep(0))
    assert numbers == sorted(set(numbers))


async def test_who_seizes_it_has_it_alone(broker_client: Redis) -> None:
    """The holder's work is over when it is seized, and nobody else gets it before that."""
    holder, seizer = (lease(broker_client, name, life_s=0.6) for name in ("holder", "seizer"))
    assert await holder.acquire()
    holding = asyncio.create_task(holder.hold(forever()))
    await seizer.seize()
    assert not holder.held
    assert seizer.held
    assert not await holder.acquire()
    with pytest.raises(LeaseLostError):
        await holding
    await seizer.hold(asyncio.sleep(0))
    assert await is_free(broker_client)


async def test_it_is_given_back_at_the_end(broker_client: Redis) -> None:
    """When the work is over, well or badly, the next one need not wait for the life to end."""
    first, second = lease(broker_client, "a"), lease(broker_client, "b")

    async def failing() -> None:
        raise ValueError("of the work")

    assert await first.acquire()
    await first.hold(asyncio.sleep(0))
    assert not first.held
    assert await second.acquire()
    with pytest.raises(ValueError, match="of the work"):
        await second.hold(failing())
    assert await is_free(broker_client)


async def test_a_cancelled_holder_gives_it_back(broker_client: Redis) -> None:
    """A stop during the work cancels the work and frees the lease."""
    holder = lease(broker_client, "a")
    began, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await forever()
        finally:
            ended.set()

    assert await holder.acquire()
    holding = asyncio.create_task(holder.hold(work()))
    await began.wait()
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    assert ended.is_set()
    assert await is_free(broker_client)


async def test_it_is_renewed_while_the_work_lasts(broker_client: Redis) -> None:
    """Work longer than the life keeps the lease: nobody else gets it in between."""
    holder, other = lease(broker_client, "a", life_s=1), lease(broker_client, "b")
    refused = 0

    async def work() -> None:
        nonlocal refused
        end = asyncio.get_running_loop().time() + 1.5
        while asyncio.get_running_loop().time() < end:
            assert not await other.acquire()
            holder.require()
            refused += 1

    assert await holder.acquire()
    await holder.hold(work())
    assert refused > 10


async def test_a_dead_holder_is_followed(broker_client: Redis) -> None:
    """A holder that never renews keeps the others waiting for its life and no longer."""
    dead, other = lease(broker_client, "a", life_s=0.2), lease(broker_client, "b")
    assert await dead.acquire()
    assert not await other.acquire()
    await wait_until(other.acquire, 5, "the lease")
    assert not dead.held
    assert other.fence > dead.fence


async def test_a_lost_lease_cancels_the_work(broker_client: Redis) -> None:
    """Who finds at renewal that another has the lease is stopped at once, and told."""
    holder = lease(broker_client, "a", life_s=0.3)
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await forever()
        finally:
            ended.set()

    assert await holder.acquire()
    await broker_client.set("cassiopeia:source:{iss}:lease", "b")
    with pytest.raises(LeaseLostError, match="belongs to another replica"):
        await holder.hold(work())
    assert ended.is_set()
    assert not holder.held
    assert await broker_client.get("cassiopeia:source:{iss}:lease") == b"b"


async def test_a_holder_that_slept_past_its_life_knows_it(broker_client: Redis) -> None:
    """After a stop of the process, the lease counts as lost before anything is asked."""
    clock = JumpingClock()
    holder = lease(broker_client, "a", clock=clock)
    with pytest.raises(LeaseLostError):
        holder.require()
    assert await holder.acquire()
    holder.require()
    clock.jump(59)
    holder.require()
    clock.jump(2)
    assert not holder.held
    with pytest.raises(LeaseLostError, match="is over"):
        holder.require()


async def test_work_that_slept_past_its_life_is_cancelled(broker_client: Redis) -> None:
    """The renewal does not revive a lease whose time is over, although the broker would let it."""
    clock = JumpingClock()
    holder = lease(broker_client, "a", life_s=0.6, clock=clock)
    assert await holder.acquire()

    async def work() -> None:
        clock.jump(1)
        await forever()

    with pytest.raises(LeaseLostError, match="is over"):
        await holder.hold(work())


async def test_processes_of_one_name_are_not_one_holder(broker_client: Redis) -> None:
    """Two replicas that were given the same name by mistake do not share, or end, a lease."""
    first = lease(broker_client, "ingest_iss-0", life_s=0.3)
    second = lease(broker_client, "ingest_iss-0")
    third = lease(broker_client, "ingest_iss-0")

    async def overslept() -> None:
        await broker_client.delete("cassiopeia:source:{iss}:lease")
        assert await second.acquire()
        await forever()

    assert await first.acquire()
    with pytest.raises(LeaseLostError, match="belongs to another"):
        await first.hold(overslept())
    assert not await third.acquire()


async def test_a_broker_that_is_away_for_a_moment_costs_nothing(broker_client: Redis) -> None:
    """A renewal that fails is tried again; the work goes on while the life lasts."""
    holder = lease(broker_client, "a", life_s=1.5)

    async def work() -> None:
        for _ in range(4):
            await command(broker_client, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")
            await asyncio.sleep(0.5)
            holder.require()

    assert await holder.acquire()
    await holder.hold(work())
