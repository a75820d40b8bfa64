"""`year_insert_ratio` and `chart_year_p95_ms`: a year of positions, written to and read.

PostgreSQL itself makes 31.5 million positions, one a second, two months at a time on both cores,
and their roll-ups; the last day of December is left free. Then the real repository writes that
day's events in turns into this database, after the 30 days that the month holds, and into an empty
one on the same server; the medians count. The chart has 500 points over the year; the gateway
answers the requests, none of them from its cache.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import LiteralString

import aiohttp
import psycopg
from psycopg import sql

from bench.figure import Figure, percentile
from bench.gateway import running_gateway_process
from bench.progress import say
from libs.common.database import create_pool
from services.persistence.repository import Repository, prepare_connection
from tests.chaos.positions import SPACING, position
from tests.servers import running_servers

YEAR = 2025
MONTHS = [datetime(YEAR, month, 1, tzinfo=UTC) for month in range(1, 13)]
END = datetime(YEAR + 1, 1, 1, tzinfo=UTC)
# The measured batches belong to December, whose table is an ordinary one.
FILLED_UNTIL = END - timedelta(days=1)
BATCH = 2_000
BATCHES = 100
# The first batches also make the month in the empty database, and prepare statements.
WARM_UP = 10
CHARTS = 100
POINTS = 500
_CORES = 2

# Indexes are added at the end, where each costs one sort. The tables are UNLOGGED, so that making
# them writes half as much, and without autovacuum, because after a real year it would have run long
# ago; neither applies to the month that is measured. The bodies are shorter than real ones, but
# nothing that is measured reads them.
_FILL: LiteralString = """
CREATE {unlogged} TABLE {part} (LIKE iss_positions INCLUDING ALL EXCLUDING INDEXES)
  WITH (autovacuum_enabled = {vacuumed});
INSERT INTO {part} (time, id, sequence, fetched_at, origin, provider, source_url, norad_id, name,
    latitude_deg, longitude_deg, altitude_km, velocity_kmh, footprint_km, visibility,
    solar_latitude_deg, solar_longitude_deg, upstream_body)
  SELECT time, gen_random_uuid(), extract(epoch FROM time) * 1000000, time, 'live',
      'wheretheiss.at', 'https://api.wheretheiss.at/v1/satellites/25544', 25544, 'iss',
      51.6 * sin(n / 885.0), 180 * sin(n / 900.0), 420 + 5 * sin(n / 885.0),
      27600 + 10 * sin(n / 885.0), 4500, 'daylight', 0, 0, '{{"id": 25544}}'
    FROM (
      SELECT n::float8 AS n, {since}::timestamptz + n * interval '1 s' AS time
        FROM generate_series(
          0, extract(epoch FROM {filled_until}::timestamptz - {since})::int - 1) AS n
      ) AS seconds;
ALTER TABLE {part} ADD PRIMARY KEY (time, id);
CREATE INDEX ON {part} (sequence);
ALTER TABLE iss_positions ATTACH PARTITION {part} FOR VALUES FROM ({since}) TO ({until});
"""


async def measure(folder: Path) -> list[Figure]:
    """Measure both."""
    with running_servers(durable=True) as servers:
        empty, full = servers.create_database(), servers.create_database()
        await asyncio.to_thread(_make_year, servers.database_url(full))
        async with running_gateway_process(servers, full, folder) as (gateway, _):
            charts = await _charts_ms(gateway)
        at_start, at_end = await _rates(servers.database_url(empty), servers.database_url(full))
    return [
        Figure("year_insert_ratio", at_end, "events/s", at_start, at_end / at_start, ">= 0.9"),
        Figure("chart_year_p95_ms", percentile(charts, 0.95), "ms", None, None, "<= 50"),
    ]


def _make_year(url: str) -> None:
    for what, work in (("made", _make_month), ("rolled up", _roll_up_month)):
        began = time.perf_counter()
        with ThreadPoolExecutor(_CORES) as threads:
            # list() raises here what one of the threads has raised.
            list(threads.map(lambda month, work=work: _in_session(url, work, month), MONTHS))
        say(f"a year of positions {what} in {time.perf_counter() - began:.0f} s")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) iss_positions_hour")
        december = sql.Identifier(f"iss_positions_{FILLED_UNTIL:%Y_%m}")
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(december))
        answer = connection.execute("SELECT sum(samples) FROM iss_positions_hour").fetchone()
    if answer is None or answer[0] != (FILLED_UNTIL - MONTHS[0]).total_seconds():
        raise RuntimeError(f"the roll-ups count {answer} positions: nothing was measured")


Work = Callable[["psycopg.Connection[tuple[object, ...]]", datetime, datetime], None]


def _in_session(url: str, work: Work, month: datetime) -> None:
    with psycopg.connect(url) as connection:
        work(connection, month, min(END, (month + timedelta(days=31)).replace(day=1)))


def _make_month(
    connection: "psycopg.Connection[tuple[object, ...]]", since: datetime, until: datetime
) -> None:
    connection.execute(
        sql.SQL(_FILL).format(
            part=sql.Identifier(f"iss_positions_{since:%Y_%m}"),
            since=sql.Literal(since),
            until=sql.Literal(until),
            filled_until=sql.Literal(min(until, FILLED_UNTIL)),
            unlogged=sql.SQL("UNLOGGED" if until < END else ""),
            vacuumed=sql.Literal(until == END),
        )
    )


def _roll_up_month(
    connection: "psycopg.Connection[tuple[object, ...]]", since: datetime, until: datetime
) -> None:
    connection.execute("SELECT rebuild_roll_ups(%s, %s)", (since, until))


async def _charts_ms(gateway: str) -> list[float]:
    """Return how long each of many charts took, from the request to the last byte."""
    taken = []
    async with aiohttp.ClientSession(gateway) as http:
        for turn in range(CHARTS):
            # No two windows are the same, so nothing is answered from the cache.
            asked = {
                "points": str(POINTS),
                "from": f"{MONTHS[0] + timedelta(seconds=turn):%Y-%m-%dT%H:%M:%SZ}",
                "to": f"{FILLED_UNTIL - timedelta(seconds=CHARTS - turn):%Y-%m-%dT%H:%M:%SZ}",
            }
            began = time.perf_counter()
            async with http.get("/api/v1/iss/positions", params=asked) as response:
                response.raise_for_status()
                body = await response.read()
            taken.append((time.perf_counter() - began) * 1_000)
            if not all(bucket["samples"] for bucket in json.loads(body)["buckets"]):
                raise RuntimeError("a chart has gaps: nothing was measured")
    return taken


async def _rates(empty: str, full: str) -> tuple[float, float]:
    """Return how many events a second an empty database takes, and how many a full one takes."""
    seconds: dict[str, list[float]] = {empty: [], full: []}
    async with contextlib.AsyncExitStack() as stack:
        repositories = {
            url: Repository(
                await stack.enter_async_context(
                    create_pool(url, name="bench", size=1, configure=prepare_connection)
                )
            )
            for url in seconds
        }
        for turn in range(WARM_UP + BATCHES):
            events = [position(FILLED_UNTIL + (turn * BATCH + n) * SPACING) for n in range(BATCH)]
            # Batch by batch, each database first in turn: other work of the machine affects both.
            for url in (empty, full) if turn % 2 else (full, empty):
                began = time.perf_counter()
                if refused := await repositories[url].store(events):
                    raise RuntimeError(f"refused: {refused[0][1]}")
                seconds[url].append(time.perf_counter() - began)
    at_start, at_end = (BATCH / median(seconds[url][WARM_UP:]) for url in (empty, full))
    say(f"{BATCHES} batches: {at_start:,.0f} events/s into nothing, {at_end:,.0f} after a year")
    return at_start, at_end
