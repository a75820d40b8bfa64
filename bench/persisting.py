"""`persist_ratio`: persistence against a bare loop; `persist_two_ratio`: two processes against one.

The bare loop reads 2,000 entries (XREADGROUP), decodes them (json), copies them straight into a
table with the same columns and indexes (COPY), commits, and acknowledges (XACK): no framework, no
validation, no protection against repetition. Each drains the same 100,000 events into an empty
table on the same servers, in turns; the medians count. Where the servers share the cores with the
processes, two processes wait for each other; so the processor time of each is printed with the
progress.
"""

import json
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import JsonbBinaryDumper
from redis import Redis

from bench.backlog import BATCH, EVENTS, STAGED, backlog, check_complete, fill, seconds_to_store
from bench.figure import Figure
from bench.progress import say
from tests.servers import running_servers

ROUNDS = 3
# In the order of `_row`; the columns of elements are left out, as a live position has none.
_TYPES = {
    "time": "timestamptz",
    "id": "uuid",
    "sequence": "int8",
    "fetched_at": "timestamptz",
    "origin": "text",
    "provider": "text",
    "source_url": "text",
    "norad_id": "int4",
    "name": "text",
    "latitude_deg": "float8",
    "longitude_deg": "float8",
    "altitude_km": "float8",
    "velocity_kmh": "float8",
    "footprint_km": "float8",
    "visibility": "text",
    "solar_latitude_deg": "float8",
    "solar_longitude_deg": "float8",
    "upstream_body": "jsonb",
}


async def measure(folder: Path) -> list[Figure]:
    """Measure all three in turns."""
    say(f"making {EVENTS:,} events")
    bodies = backlog()
    service: list[float] = []
    two: list[float] = []
    bare: list[float] = []
    with running_servers(durable=True) as servers:
        pids = {"postgres": servers.postgres.pid, "valkey": servers.valkey.pid}
        one_process = partial(seconds_to_store, servers=pids)
        two_processes = partial(seconds_to_store, servers=pids, replicas=2)
        for turn in range(ROUNDS):
            for name, rates, drain in (
                ("bare loop", bare, _bare_loop),
                ("persistence", service, one_process),
                ("two of persistence", two, two_processes),
            ):
                database = servers.database_url(servers.create_database())
                seconds = await drain(
                    bodies, database=database, broker=servers.valkey_url, folder=folder
                )
                rate = EVENTS / seconds
                rates.append(rate)
                say(f"round {turn + 1}: {name} {rate:,.0f} events/s")
    value, doubled, baseline = median(service), median(two), median(bare)
    return [
        Figure("persist_ratio", value, "events/s", baseline, value / baseline, ">= 0.8"),
        Figure("persist_two_ratio", doubled, "events/s", value, doubled / value, ">= 1.5"),
    ]


async def _bare_loop(bodies: Sequence[bytes], *, database: str, broker: str, folder: Path) -> float:
    """Return the seconds that the bare loop takes to store all events."""
    del folder  # it writes no log
    redis = Redis.from_url(broker)
    redis.flushall()
    fill(redis, bodies)
    redis.xgroup_create(STAGED, "bare", id="0")
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE bare (LIKE iss_positions INCLUDING DEFAULTS)")
        connection.execute("ALTER TABLE bare ADD PRIMARY KEY (time, id)")
        connection.execute("CREATE INDEX ON bare (sequence)")
        connection.commit()
        connection.adapters.register_dumper(dict, JsonbBinaryDumper)
        began = time.perf_counter()
        _drain(redis, connection)
        seconds = time.perf_counter() - began
    check_complete(database, "bare", EVENTS)
    return seconds


def _drain(redis: Redis, connection: psycopg.Connection[Any]) -> None:
    statement = f"COPY bare ({', '.join(_TYPES)}) FROM STDIN (FORMAT BINARY)".encode()
    types = list(_TYPES.values())
    while True:
        answer: Any = redis.xreadgroup("bare", "bare", {STAGED: ">"}, count=BATCH)
        if not answer:
            return
        entries = answer[0][1]
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            for _, fields in entries:
                copy.write_row(_row(json.loads(fields[b"__data__"])))
        connection.commit()
        redis.xack(STAGED, "bare", *(entry_id for entry_id, _ in entries))


def _row(event: dict[str, Any]) -> tuple[Any, ...]:
    data = event["data"]
    fetched_at = datetime.fromisoformat(event["fetchedat"])
    return (
        datetime.fromisoformat(event["time"]),
        UUID(event["id"]),
        int(fetched_at.timestamp() * 1e6),
        fetched_at,
        event["origin"],
        event["provider"],
        data["source_url"],
        data["norad_id"],
        data["name"],
        data["latitude_deg"],
        data["longitude_deg"],
        data["altitude_km"],
        data["velocity_kmh"],
        data["footprint_km"],
        data["visibility"],
        data["solar_latitude_deg"],
        data["solar_longitude_deg"],
        data["upstream_body"],
    )
