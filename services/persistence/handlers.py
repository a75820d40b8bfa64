"""Stores a batch of stream entries, and gives a reason for each entry that becomes no row."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

import psycopg

from libs.common import metrics
from libs.common.broker import EntryId
from libs.common.clock import Clock, iso
from libs.common.consuming.pending import Entry
from libs.common.database import TRANSIENT_ERRORS
from libs.common.dead_letters import Rejection
from libs.common.errors import DependencyUnavailableError
from libs.common.events import Event, decode_batch
from libs.common.logging import get_logger
from libs.common.outage import Outage
from libs.common.tasks import sleep_or_stop
from services.persistence.repository import Repository
from services.persistence.tables import TABLE_OF

_log = get_logger(__name__)

# Measured events are about the past: a time far ahead is a fault, and would make partitions that
# nobody removes. Elements may have an epoch that is days ahead, and computed or announced events
# may be years ahead.
LATEST_MEASURED = timedelta(days=30)
LATEST_ANNOUNCED = timedelta(days=3 * 366)
FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class BatchWriter:
    """Handles the batches of a consumer."""

    def __init__(self, repository: Repository, clock: Clock, stop: asyncio.Event) -> None:
        self._repository = repository
        self._clock = clock
        self._stop = stop

    async def __call__(self, entries: Sequence[Entry]) -> Sequence[Rejection]:
        """Store the events of a batch.

        Returns:
            The entries that hold no valid event, or an event that the database refuses.

        Raises:
            DependencyUnavailableError: The process stops while the database is away, or the
                database refuses every row.
        """
        entry_of: dict[int, Entry] = {}
        events: list[Event] = []
        rejections: list[Rejection] = []
        now = self._clock.now()
        latest_measured, latest_announced = now + LATEST_MEASURED, now + LATEST_ANNOUNCED
        decoded = decode_batch([entry.body for entry in entries])
        for entry, event in zip(entries, decoded, strict=True):
            if isinstance(event, ValueError):
                rejections.append(Rejection(entry, str(event)))
            elif event.time > (
                latest_measured if TABLE_OF[type(event)].by_month else latest_announced
            ):
                rejections.append(Rejection(entry, f"time: {iso(event.time)} is out of range"))
            else:
                entry_of[id(event)] = entry
                events.append(event)
        refused = await self._store(events)
        if events:
            age_s = time.time() - accepted_at(entries[0])
            metrics.EVENT_AGE.labels(entries[0].stream).observe(max(0.0, age_s))
        return rejections + [Rejection(entry_of[id(event)], reason) for event, reason in refused]

    async def _store(self, events: Sequence[Event]) -> list[tuple[Event, str]]:
        """Try until the database accepts the batch; meanwhile nothing more is read.

        Raises:
            DependencyUnavailableError: The process stops, or a permission or a table is missing;
                the entries stay pending.
        """
        pause_s = FIRST_PAUSE_S
        outage = Outage(_log, "database_away", "database_back")
        while True:
            try:
                refused = await self._repository.store(events)
            except TRANSIENT_ERRORS as error:
                if self._stop.is_set():
                    raise DependencyUnavailableError(f"stopped while waiting: {error}") from error
                outage.began(events=len(events), reason=str(error))
                await sleep_or_stop(pause_s, self._stop)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            except psycopg.Error as error:
                # The repository has handled all errors that concern a single row.
                raise DependencyUnavailableError(
                    f"the database refuses, whatever the row: {error}"
                ) from error
            else:
                outage.over(events=len(events))
                return refused


def accepted_at(entry: Entry) -> float:
    """Return the Unix time at which the broker accepted an entry, according to its id."""
    return EntryId.parse(entry.id).accepted_ms / 1_000
