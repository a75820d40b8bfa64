"""Replicas share a partition without an order between them (ADR 0020): the rows are the same."""

import asyncio
import itertools
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from libs.common.events import Event
from services.persistence.tables import TABLE_OF
from tests.catalogue import (
    apod_event,
    cme_event,
    dataset_event,
    flare_event,
    image_event,
    launch_event,
    neo_event,
    sky_event,
)
from tests.factories import START
from tests.integration.repositories import storing_into

THINGS: list[Event] = [
    dataset_event(137),
    image_event(1),
    sky_event(1),
    apod_event(1),
    neo_event(1),
    flare_event(1),
    cme_event(1),
    launch_event(1, START),
]


def versions(event: Event) -> list[Event]:
    """Return what three fetches brought of a thing, the last of them twice in one answer."""
    hour = timedelta(hours=1)
    return [
        event.model_copy(update={"id": UUID(int=ident), "fetchedat": event.fetchedat + late * hour})
        for ident, late in ((4, 0), (3, 1), (1, 2), (2, 2))
    ]


def newest_stored(database_url: str, event: Event) -> list[tuple[object, ...]]:
    """Return what the table has, and empty it."""
    table = sql.Identifier(TABLE_OF[type(event)].name)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(sql.SQL("SELECT id, fetched_at FROM {}").format(table)).fetchall()
        connection.execute(sql.SQL("TRUNCATE {}").format(table))
    return rows


def test_no_table_of_things_is_left_out() -> None:
    """A new one is to be tried here, too."""
    assert {TABLE_OF[type(event)] for event in THINGS} == {
        table for table in TABLE_OF.values() if table.latest_of
    }


@pytest.mark.parametrize("event", THINGS, ids=lambda event: TABLE_OF[type(event)].name)
async def test_the_version_that_was_fetched_last_stays(database_url: str, event: Event) -> None:
    """In whatever order they come, one after the other or at the same time."""
    last = versions(event)[-1]
    async with storing_into(database_url, 4) as repository:
        for order in itertools.permutations(versions(event)):
            for each in order:
                await repository.store([each])
            assert newest_stored(database_url, event) == [(last.id, last.fetchedat)]
            await asyncio.gather(*(repository.store([each]) for each in order))
            assert newest_stored(database_url, event) == [(last.id, last.fetchedat)]
