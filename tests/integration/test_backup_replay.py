"""After a restore the streams give again what only the lost database had."""

from pathlib import Path

from redis.asyncio import Redis

from libs.common.broker import EntryId, Publisher, ensure_groups, prepare_streams
from libs.common.layout import Layout
from libs.common.topology import EVENTS_ISS
from tests.factories import position_events
from tests.integration.backups import contents, fill, restored, taken
from tests.integration.consumers import leave_pending
from tests.integration.storing import count, query, stored


async def test_what_was_acknowledged_after_the_backup_comes_again(
    publisher: Publisher,
    broker_client: Redis,
    valkey_url: str,
    database_url: str,
    empty_database_url: str,
    folder: Path,
) -> None:
    """Rows that only the lost database had are made anew from the stream, and none is doubled."""
    events = position_events(300)
    await publisher.publish(events[:100])
    await stored(valkey_url, database_url, broker_client)
    # A batch is with a consumer that does not finish it before the backup is taken.
    await publisher.publish(events[100:150])
    await leave_pending(broker_client, consumer="persistence-0", count=50)
    made = await taken(broker_client, database_url, folder)
    await publisher.publish(events[150:])
    await stored(valkey_url, database_url, broker_client)
    assert await count(database_url) == 300

    done = await restored(broker_client, empty_database_url, made.path)
    assert await count(empty_database_url) == 100
    assert {replay.trimmed for replay in done.replays} == {0}
    await stored(valkey_url, empty_database_url, broker_client)
    ids = "SELECT id FROM iss_positions ORDER BY id"
    assert await query(empty_database_url, ids) == await query(database_url, ids)
    # Nor counted twice.
    before, after = contents(database_url), contents(empty_database_url)
    for table in ("iss_positions_minute", "iss_positions_hour"):
        assert after[table] == before[table]


async def test_entries_that_were_trimmed_are_counted(
    publisher: Publisher,
    broker_client: Redis,
    valkey_url: str,
    database_url: str,
    empty_database_url: str,
    folder: Path,
) -> None:
    """A restore says how many acknowledged events are neither in the backup nor in the stream."""
    await publisher.publish(position_events(100))
    await stored(valkey_url, database_url, broker_client)
    await publisher.publish(position_events(10, start=100))
    made = await taken(broker_client, database_url, folder)
    await publisher.publish(position_events(40, start=110))
    await stored(valkey_url, database_url, broker_client)
    await broker_client.xtrim(EVENTS_ISS.key, maxlen=20, approximate=False)
    done = await restored(broker_client, empty_database_url, made.path)
    found = {replay.stream: replay.trimmed for replay in done.replays}
    assert found[EVENTS_ISS.key] == 30
    assert sum(lost or 0 for lost in found.values()) == 30


async def test_a_new_broker_replays_all_that_it_has(
    publisher: Publisher,
    broker_client: Redis,
    valkey_url: str,
    database_url: str,
    empty_database_url: str,
    folder: Path,
) -> None:
    """With the streams lost, too, what is published since is stored, and the rest is not known."""
    await publisher.publish(position_events(100))
    await stored(valkey_url, database_url, broker_client)
    made = await taken(broker_client, database_url, folder)
    await broker_client.flushall()
    await ensure_groups(broker_client)
    await publisher.publish(position_events(10, start=100))
    done = await restored(broker_client, empty_database_url, made.path)
    found = {replay.stream: replay.trimmed for replay in done.replays}
    assert found[EVENTS_ISS.key] is None
    await stored(valkey_url, empty_database_url, broker_client)
    assert await count(empty_database_url) == 110


async def test_a_backup_needs_no_broker(
    broker_client: Redis, database_url: str, empty_database_url: str, folder: Path
) -> None:
    """Without the streams' positions a restore replays them from their start."""
    fill(database_url)
    nowhere = Redis(port=9)
    made = await taken(nowhere, database_url, folder)
    assert made.manifest.positions == ()
    await ensure_groups(broker_client)
    done = await restored(broker_client, empty_database_url, made.path)
    assert {replay.since for replay in done.replays} == {EntryId(0, 0)}
    assert contents(empty_database_url) == contents(database_url)


async def test_every_partition_of_a_stream_is_set_back(
    broker_client: Redis, database_url: str, empty_database_url: str, folder: Path
) -> None:
    """A divided stream has a position for each partition, and each of them is replayed."""
    layout = Layout.parse("iss=3")
    await prepare_streams(broker_client, layout)
    made = await taken(broker_client, database_url, folder)
    keys = [stream.key for stream in layout.event_streams]
    assert [position.stream for position in made.manifest.positions] == keys
    done = await restored(broker_client, empty_database_url, made.path)
    assert [replay.stream for replay in done.replays] == keys
