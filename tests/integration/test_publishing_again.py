"""Rows that are gone come again from the upstreams, although the broker knows them as published."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from libs.common.clock import SystemClock
from libs.common.polling.fence import Fence
from libs.common.polling.lease import LIFE_S
from libs.common.polling.published import Published, forget_published
from libs.common.topology import EVENTS_OSDR
from services.ingest_osdr.bootstrap import DATASETS
from services.persistence.backup.database import connect, other_sessions
from services.persistence.backup.restoring import Restored
from tests.factories import position_events
from tests.integration.backups import restored, taken
from tests.integration.osdr import osdr_world
from tests.integration.storing import query, stored, storing
from tests.waiting import wait_until

STUDIES = 6


async def rows(database_url: str) -> int:
    """Return how many studies of the upstream are stored."""
    ((found,),) = await query(
        database_url, "SELECT count(*) FROM osdr_datasets WHERE origin = 'live'"
    )
    return int(found)


async def restore(redis: Redis, database_url: str, path: Path) -> Restored:
    """Put a backup back in place of all that is there, as soon as nobody is connected any more."""

    async def alone() -> bool:
        with connect(database_url, "test") as connection:
            return not other_sessions(connection)

    await wait_until(alone, 10, "the end of the last connection")
    return await restored(redis, database_url, path, replace=True)


async def test_what_a_restore_cannot_replay_is_published_again(
    valkey_url: str, database_url: str, folder: Path
) -> None:
    """What neither backup nor stream has is asked for at once, unchanged as it is; but only that.

    The source is not due for an hour, and its upstream says of each study that it is unchanged.
    """
    async with osdr_world(valkey_url, STUDIES) as world:
        await stored(valkey_url, database_url, world.redis)
        made = await taken(world.redis, database_url, folder)
        assert len(await world.crawl()) == STUDIES
        await stored(valkey_url, database_url, world.redis)

        # As long as the stream has all of it, that is enough.
        done = await restore(world.redis, database_url, made.path)
        assert done.sources == []
        await stored(valkey_url, database_url, world.redis)
        assert await rows(database_url) == STUDIES
        assert await world.crawl() == []

        await world.redis.xtrim(EVENTS_OSDR.key, maxlen=0, approximate=False)
        done = await restore(world.redis, database_url, made.path)
        assert done.sources == [DATASETS]
        assert await rows(database_url) == 0

        async def all_back() -> bool:
            return await rows(database_url) == STUDIES

        async with world.service(), storing(valkey_url, database_url):
            await wait_until(all_back, 20, "a row of each study")
        # Once: persistence has found the database that it was told of.
        assert len(await world.published()) == STUDIES


async def test_another_database_is_filled_from_the_upstreams(
    valkey_url: str, database_url: str, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty database beside an old broker gets all rows, while the source's service runs."""
    async with osdr_world(valkey_url, STUDIES) as world, world.service():
        await world.wait_for_crawl()
        for _ in range(2):
            await stored(valkey_url, database_url, world.redis)
        assert await rows(database_url) == STUDIES
        assert len(await world.published()) == STUDIES

        async def all_there() -> bool:
            return await rows(empty_database_url) == STUDIES

        # For the migration, which runs in a process of its own.
        monkeypatch.setenv("CASSIOPEIA_DATABASE_URL", empty_database_url)
        async with storing(valkey_url, empty_database_url):
            await wait_until(all_there, 20 + LIFE_S, "a row of each study")


@pytest.mark.parametrize("count", [3, 2_500], ids=["few", "pages"])
async def test_a_source_that_forgets_publishes_all_of_it(broker_client: Redis, count: int) -> None:
    """Nothing counts as published any more, however much it was; the rest stays."""
    events = position_events(count)
    published = Published(broker_client, "iss")
    await published.save(events, Fence(broker_client, "iss"))
    await broker_client.set("cassiopeia:source:{iss}:last", "kept")
    assert await forget_published(broker_client, SystemClock()) == ["iss"]
    assert await published.is_empty()
    assert await published.changed(events) == events
    assert await broker_client.exists("cassiopeia:source:{iss}:last")
    assert not await broker_client.exists("cassiopeia:source:{iss}:lease")
