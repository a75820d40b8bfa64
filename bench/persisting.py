"""`persist_ratio`: one persistence process against a bare loop.

The bare loop reads 2,000 entries (XREADGROUP), decodes them (json), copies them straight into a
table with the same columns and indexes (COPY), commits, and acknowledges (XACK): no framework, no
validation, no protection against repetition. Both drain the same 100,000 events from the same kind
of empty table on the same servers, in turns; the medians count. The service is started and ready
before its stream is put in place by one RENAME, so that starting is not measured.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import JsonbBinaryDumper
from redis import Redis

from bench.figure import Figure
from bench.progress import say
from libs.common.topology import EVENTS_ISS, PERSISTENCE
from tests.chaos.positions import SPACING, position
from tests.chaos.processes import ServiceProcess
from tests.servers import running_servers

EVENTS = 100_000
ROUNDS = 3
BATCH = 2_000
_STAGED = "bench:staged"
_START = datetime(2026, 3, 10, tzinfo=UTC)
# In the order of `_row`; a live position leaves the columns of elements empty.
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
    """Measure both in turns."""
    say(f"making {EVENTS:,} events")
    bodies = [position(_START + index * SPACING).encode() for index in range(EVENTS)]
    service: list[float] = []
    bare: list[float] = []
    with running_servers(durable=True) as servers:
        for turn in range(ROUNDS):
            for name, rates, drain in (
                ("bare loop", bare, _bare_loop),
                ("persistence", service, _service),
            ):
                database = servers.database_url(servers.create_database())
                rate = EVENTS / await drain(bodies, database, servers.valkey_url, folder)
                rates.append(rate)
                say(f"round {turn + 1}: {name} {rate:,.0f} events/s")
    value, baseline = median(service), median(bare)
    return [
        Figure("persist_ratio", value, "events/s", baseline, value / baseline, ">= 0.7"),
    ]


async def _service(bodies: Sequence[bytes], database: str, broker: str, folder: Path) -> float:
    """Return the seconds in which a persistence process stores all."""
    redis = Redis.from_url(broker)
    redis.flushall()
    process = ServiceProcess(
        "persistence",
        environment={
            "CASSIOPEIA_DATABASE_URL": database,
            "CASSIOPEIA_REDIS_URL": broker,
            "CASSIOPEIA_LOG_LEVEL": "info",
        },
        log=folder / "persistence.log",
    )
    await process.start_ready()
    try:
        _fill(redis, bodies)
        redis.xgroup_create(_STAGED, PERSISTENCE, id="0")
        began = time.perf_counter()
        redis.rename(_STAGED, EVENTS_ISS.key)
        while True:
            [group] = redis.xinfo_groups(EVENTS_ISS.key)
            if group["lag"] == 0 and group["pending"] == 0:
                break
            await asyncio.sleep(0.005)
        seconds = time.perf_counter() - began
    finally:
        await process.stop()
    _check_complete(database, "iss_positions")
    return seconds


async def _bare_loop(bodies: Sequence[bytes], database: str, broker: str, _: Path) -> float:
    """Return the seconds in which the bare loop stores all."""
    redis = Redis.from_url(broker)
    redis.flushall()
    _fill(redis, bodies)
    redis.xgroup_create(_STAGED, "bare", id="0")
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE bare (LIKE iss_positions INCLUDING DEFAULTS)")
        connection.execute("ALTER TABLE bare ADD PRIMARY KEY (time, id)")
        connection.execute("CREATE INDEX ON bare (sequence)")
        connection.commit()
        connection.adapters.register_dumper(dict, JsonbBinaryDumper)
        began = time.perf_counter()
        _drain(redis, connection)
        seconds = time.perf_counter() - began
    _check_complete(database, "bare")
    return seconds


def _drain(redis: Redis, connection: psycopg.Connection[Any]) -> None:
    statement = f"COPY bare ({', '.join(_TYPES)}) FROM STDIN (FORMAT BINARY)".encode()
    types = list(_TYPES.values())
    while True:
        answer: Any = redis.xreadgroup("bare", "bare", {_STAGED: ">"}, count=BATCH)
        if not answer:
            return
        entries = answer[0][1]
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            for _, fields in entries:
                copy.write_row(_row(json.loads(fields[b"__data__"])))
        connection.commit()
        redis.xack(_STAGED, "bare", *(entry_id for entry_id, _ in entries))


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


def _fill(redis: Redis, bodies: Sequence[bytes]) -> None:
    for start in range(0, len(bodies), BATCH):
        pipeline = redis.pipeline(transaction=False)
        for body in bodies[start : start + BATCH]:
            pipeline.xadd(_STAGED, {"__data__": body})
        pipeline.execute()


def _check_complete(database: str, table: str) -> None:
    with psycopg.connect(database) as connection:
        statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        row = connection.execute(statement).fetchone()
    if row is None or row[0] != EVENTS:
        raise RuntimeError(f"{table} has {row and row[0]} rows of {EVENTS}: nothing was measured")
