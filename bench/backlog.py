"""A backlog of 100,000 events, and the time that persistence takes to store it.

The processes are ready before the backlog's stream is put in place by one RENAME, so that their
start is not measured. A renamed stream keeps its consumer groups, and what is pending in them.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql
from redis import Redis

from bench.progress import say
from libs.common.topology import EVENTS_ISS, PERSISTENCE
from tests.chaos.positions import SPACING, position
from tests.processes import ServiceProcess

EVENTS = 100_000
BATCH = 2_000
STAGED = "bench:staged"
_START = datetime(2026, 3, 10, tzinfo=UTC)


def backlog() -> list[bytes]:
    """Return the bodies of the events."""
    return [position(_START + index * SPACING).encode() for index in range(EVENTS)]


def fill(redis: Redis, bodies: Sequence[bytes]) -> None:
    """Publish all events to a stream that no process reads yet."""
    for start in range(0, len(bodies), BATCH):
        pipeline = redis.pipeline(transaction=False)
        for body in bodies[start : start + BATCH]:
            pipeline.xadd(STAGED, {"__data__": body})
        pipeline.execute()


async def seconds_to_store(  # noqa: PLR0913 - all by name
    bodies: Sequence[bytes],
    *,
    database: str,
    broker: str,
    folder: Path,
    left_by: str | None = None,
    replicas: int = 1,
    servers: Mapping[str, int] | None = None,
    **settings: str,
) -> float:
    """Return the seconds that persistence takes to store all events, on an empty broker.

    Args:
        bodies: The backlog.
        database: URL of an empty database.
        broker: URL of a broker, which is emptied.
        folder: For the logs.
        left_by: The consumer that was given all entries and died; None when there was none.
        replicas: How many processes share the work.
        servers: Names and process ids of other processes whose processor time is printed.
        **settings: More variables of the service's environment.
    """
    redis = Redis.from_url(broker)
    redis.flushall()
    processes = [
        ServiceProcess(
            "persistence",
            environment={
                "CASSIOPEIA_DATABASE_URL": database,
                "CASSIOPEIA_REDIS_URL": broker,
                "CASSIOPEIA_LOG_LEVEL": "info",
                **settings,
            },
            log=folder / f"persistence-{replica}.log",
            replica=replica,
        )
        for replica in range(replicas)
    ]
    try:
        for process in processes:
            await process.start_ready()
        fill(redis, bodies)
        redis.xgroup_create(STAGED, PERSISTENCE, id="0")
        if left_by:
            _give_all(redis, left_by)
        watched = {process.name: process.pid for process in processes} | dict(servers or {})
        busy = {name: -_busy_s(pid) for name, pid in watched.items()}
        began = time.perf_counter()
        redis.rename(STAGED, EVENTS_ISS.key)
        while True:
            [group] = redis.xinfo_groups(EVENTS_ISS.key)
            if group["lag"] == 0 and group["pending"] == 0:
                break
            await asyncio.sleep(0.005)
        seconds = time.perf_counter() - began
        spent = (f"{name} {busy[name] + _busy_s(pid):.1f} s" for name, pid in watched.items())
        say(f"stored in {seconds:.1f} s; of processor time: {', '.join(spent)}")
    finally:
        for process in processes:
            await process.stop()
    check_complete(database, "iss_positions", len(bodies))
    return seconds


def _busy_s(pid: int | None) -> float:
    """Return the processor time of a process and its running children."""
    process = psutil.Process(pid)
    seconds = 0.0
    for each in (process, *process.children()):
        # PostgreSQL's workers come and go meanwhile.
        with contextlib.suppress(psutil.NoSuchProcess):
            seconds += sum(each.cpu_times()[:2])
    return seconds


def _give_all(redis: Redis, consumer: str) -> None:
    answer: Any = True
    while answer:
        answer = redis.xreadgroup(PERSISTENCE, consumer, {STAGED: ">"}, count=BATCH)


def check_complete(database: str, table: str, count: int) -> None:
    """Make sure that a table has as many rows as there were events.

    Raises:
        RuntimeError: It has not, so the measurement is worthless.
    """
    with psycopg.connect(database) as connection:
        statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        row = connection.execute(statement).fetchone()
    if row is None or row[0] != count:
        raise RuntimeError(f"{table} has {row and row[0]} rows of {count}: nothing was measured")
