"""Events become rows: each once, whatever stands beside them and however often they come."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from redis.asyncio import Redis

from libs.common import metrics
from libs.common.broker import BODY_FIELD, Publisher
from libs.common.events import Origin, Provenance
from libs.common.topology import EVENTS_ISS, EVENTS_OSDR, PERSISTENCE
from tests.catalogue import dataset_event
from tests.factories import (
    Poison,
    altered,
    elements_event,
    position_event,
    position_events,
    undecodable,
)
from tests.integration.consumers import all_done, leave_pending, letters, pending
from tests.integration.storing import count, query, stored, storing
from tests.waiting import wait_until


def refused_by_the_database() -> list[Poison]:
    """Return events that are right in form, and that no row can hold."""
    nul = altered(position_event(900), data__name="nul \u0000 inside")
    deep_nul = altered(position_event(901), data__upstream_body={"deep": ["\u0000"]})
    not_a_number = altered(position_event(902), data__upstream_body={"a": float("nan")})
    return [
        Poison(nul, "0x00"),
        Poison(deep_nul, "Unicode escape"),
        Poison(not_a_number, "type json"),
    ]


def out_of_range() -> list[Poison]:
    """Return events whose numbers and times no event of the suite has."""
    ahead = datetime.now(UTC) + timedelta(days=40)
    event = position_event()
    return [
        Poison(altered(event, time="9999-12-31T23:59:59Z"), "time"),
        Poison(altered(event, time="9999-12-31T23:59:59-12:00"), "time"),
        Poison(altered(event, time="0001-01-01T00:00:00+14:00"), "time"),
        Poison(altered(event, time="1900-01-01T00:00:00Z"), "time"),
        Poison(position_event(time=ahead).encode(), "time"),
        Poison(altered(event, fetchedat="9999-12-31T23:59:59-12:00"), "fetchedat"),
        Poison(altered(event, data__norad_id=2**31), "norad_id"),
        Poison(altered(event, data__norad_id=10**40), "norad_id"),
        Poison(altered(elements_event(), data__revolution_number=2**31), "revolution_number"),
        Poison(altered(elements_event(), data__epoch="0001-01-01T00:00:00+14:00"), "epoch"),
        Poison(altered(event, data__elements_epoch="9999-12-31T23:59:59-12:00"), "elements_epoch"),
    ]


async def test_a_stream_that_waits_holds_up_no_other(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """Whoever starts with a pending entry whose table is locked stores other streams meanwhile."""
    await publisher.publish([dataset_event(1)])
    await broker_client.xreadgroup(PERSISTENCE, "persistence-0", {EVENTS_OSDR.key: ">"})
    await publisher.publish(position_events(10))
    async with asyncio.timeout(30):
        with psycopg.connect(database_url) as connection:
            connection.execute("LOCK TABLE osdr_datasets IN SHARE MODE")
            async with storing(valkey_url, database_url):
                await wait_until(lambda: all_done(broker_client), 20, "stored positions")
                assert await query(database_url, "SELECT accession FROM osdr_datasets") == []
                connection.rollback()
                await wait_until(
                    lambda: query(database_url, "SELECT accession FROM osdr_datasets"),
                    20,
                    "the dataset",
                )
    assert await count(database_url) == 10


async def test_poison_does_not_take_its_neighbours_along(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """In a batch with every kind of bad entry, the good ones become rows, the bad ones letters."""
    poison = [*undecodable(), *out_of_range(), *refused_by_the_database()]
    events = position_events(len(poison) + 1)
    bodies = [events[0].encode()]
    for bad, good in zip(poison, events[1:], strict=True):
        bodies += [bad.body, good.encode()]
    await publisher.publish_bodies(EVENTS_ISS, bodies)
    await stored(valkey_url, database_url, broker_client)

    ids = {row[0] for row in await query(database_url, "SELECT id FROM iss_positions")}
    assert ids == {event.id for event in events}
    found = {letter["body"]: letter["reason"].decode() for letter in await letters(broker_client)}
    assert set(found) == {bad.body for bad in poison}
    for bad in poison:
        assert bad.reason in found[bad.body]
        assert "\n" not in found[bad.body]
    assert len(await letters(broker_client)) == len(poison)


async def test_a_bad_row_among_thousands_is_found(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """A batch that the database refuses is halved until its bad rows are alone."""
    bodies = [event.encode() for event in position_events(1_000)]
    bad = refused_by_the_database()
    for index, poison in zip((0, 499, 999), bad, strict=True):
        bodies[index] = poison.body
    await publisher.publish_bodies(EVENTS_ISS, bodies)
    await stored(valkey_url, database_url, broker_client)
    assert await count(database_url) == 997
    assert {letter["body"] for letter in await letters(broker_client)} == {p.body for p in bad}


async def test_the_same_event_is_one_row(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """Repetitions within a batch, over batches and over restarts are stored once, and counted."""

    def counted(name: str) -> float:
        labels = {"table": "iss_positions"}
        return metrics.REGISTRY.get_sample_value(f"cassiopeia_rows_{name}_total", labels) or 0.0

    written, repeated = counted("written"), counted("repeated")
    events = position_events(50)
    for _ in range(2):
        await publisher.publish([*events, *events])
        await stored(valkey_url, database_url, broker_client, batch_size=30)
    assert await count(database_url) == 50
    assert (counted("written") - written, counted("repeated") - repeated) == (50, 150)
    assert await letters(broker_client) == []


async def test_the_first_of_two_that_differ_stays(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """A position that is fetched again, at another time, does not change what is stored."""
    later = Provenance("wheretheiss.at", Origin.LIVE, datetime(2026, 3, 2, tzinfo=UTC))
    for event in (position_event(), position_event(provenance=later)):
        await publisher.publish([event])
        await stored(valkey_url, database_url, broker_client)
    assert await query(database_url, "SELECT fetched_at FROM iss_positions") == [
        (position_event().fetchedat,)
    ]


async def test_what_was_published_before_anything_ran_is_stored(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """Entries from a time when neither group nor consumer existed are stored when it starts.

    Our own publisher makes the group before it publishes; others need not.
    """
    del publisher
    await broker_client.flushall()
    for event in position_events(10):
        await broker_client.xadd(EVENTS_ISS.key, {BODY_FIELD: event.encode()})
    assert not await broker_client.xinfo_groups(EVENTS_ISS.key)
    await stored(valkey_url, database_url, broker_client)
    assert await count(database_url) == 10


async def test_every_value_of_a_position_is_kept(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """Each field of the event is in its column, exactly, and the times are moments."""
    event = position_event(
        7,
        latitude_deg=-51.779069761066,
        visibility=None,
        elements_epoch=datetime(2026, 2, 28, 1, 2, 3, 456_789, tzinfo=UTC),
        elements_age_s=12.5,
        elements_trusted=False,
        upstream_body={"a": [1, 2.5, None, "\u041c\u041a\u0421"], "b": {}},
    )
    await publisher.publish([event])
    await stored(valkey_url, database_url, broker_client)
    (row,) = await query(
        database_url,
        "SELECT time, id, sequence, fetched_at, origin, provider, source_url, norad_id, name,"
        " latitude_deg, longitude_deg, altitude_km, velocity_kmh, footprint_km, visibility,"
        " solar_latitude_deg, solar_longitude_deg, elements_epoch, elements_trusted, upstream_body,"
        " stored_at > now() - interval '1 minute' FROM iss_positions",
    )
    data = event.data
    assert row == (
        event.time,
        event.id,
        event.sequence,
        event.fetchedat,
        "live",
        "wheretheiss.at",
        data.source_url,
        25_544,
        "iss",
        -51.779069761066,
        data.longitude_deg,
        data.altitude_km,
        data.velocity_kmh,
        data.footprint_km,
        None,
        data.solar_latitude_deg,
        data.solar_longitude_deg,
        data.elements_epoch,
        False,
        data.upstream_body,
        True,
    )


async def test_every_value_of_the_elements_is_kept(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """Each field of the elements is in its column, exactly."""
    event = elements_event(3)
    await publisher.publish([event])
    await stored(valkey_url, database_url, broker_client)
    names = list(type(event.data).model_fields)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute(
            psycopg.sql.SQL("SELECT {} FROM iss_elements").format(
                psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, names))
            )
        )
        row = await cursor.fetchone()
    assert row == tuple(getattr(event.data, name) for name in names)


async def test_old_clients_find_the_log_of_fetches(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """The view of the earlier systems shows time, address and body of every fetch."""
    event = position_event()
    await publisher.publish([event])
    await stored(valkey_url, database_url, broker_client)
    assert await query(
        database_url, "SELECT id, fetched_at, source_url, payload FROM iss_fetch_log"
    ) == [(event.sequence, event.fetchedat, event.data.source_url, event.data.upstream_body)]


async def test_a_month_has_its_partition(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """Positions on both sides of a month's end go to their months' tables, made when needed."""
    border = datetime(2026, 2, 1, tzinfo=UTC)
    times = [border - timedelta(microseconds=1), border, datetime(1998, 11, 20, tzinfo=UTC)]
    await publisher.publish([position_event(time=time) for time in times])
    await stored(valkey_url, database_url, broker_client)
    assert await query(
        database_url,
        "SELECT tableoid::regclass::text, time FROM iss_positions ORDER BY time",
    ) == [
        ("iss_positions_1998_11", times[2]),
        ("iss_positions_2026_01", times[0]),
        ("iss_positions_2026_02", times[1]),
    ]


@pytest.mark.parametrize("owner", ["persistence-0", "persistence-9"], ids=["own", "another's"])
async def test_what_a_dead_replica_held_is_stored(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str, owner: str
) -> None:
    """Entries that a killed replica had read are stored by its restart, or by another replica."""
    await publisher.publish(position_events(10))
    await leave_pending(broker_client, owner)
    await stored(
        valkey_url, database_url, broker_client, reclaim_idle_seconds=1, reclaim_every_seconds=0.1
    )
    assert await count(database_url) == 10
    assert await letters(broker_client) == []


async def test_a_fault_of_ours_loses_nothing(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str
) -> None:
    """While a table is missing, events wait; when it is there again, all of them are rows."""
    await query(database_url, "ALTER TABLE iss_positions RENAME TO elsewhere")
    await publisher.publish(position_events(100))
    async with storing(
        valkey_url, database_url, reclaim_idle_seconds=1, reclaim_every_seconds=0.1, batch_size=10
    ):
        await wait_until(lambda: pending(broker_client), 10, "a batch that failed")
        await query(database_url, "ALTER TABLE elsewhere RENAME TO iss_positions")
        await wait_until(lambda: all_done(broker_client), 20, "an empty stream")
    assert await count(database_url) == 100
    assert await letters(broker_client) == []
