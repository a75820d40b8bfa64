"""`/api/v1/health` and `/api/v1/system/stats`: the state of the suite, asked and not assumed."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.broker import broker_info, group_info
from libs.common.database import TRANSIENT_ERRORS
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceStatus
from libs.common.topology import PERSISTENCE, Stream
from services.gateway.api.cached import uncached
from services.gateway.cache import Kind
from services.gateway.keys import CACHE, CHECKS, CLOCK, HUB, REDIS, REPOSITORIES, SEEN_SOURCES
from services.gateway.models.system import (
    Connected,
    DatabaseStats,
    Reach,
    RedisStats,
    ServicesHealth,
    StreamStats,
    SystemHealth,
    SystemStats,
    WorkerStats,
)
from services.gateway.ready import Ready
from services.gateway.repositories.old import TableCounts
from services.gateway.routing import OldParams, Route
from services.gateway.sources_seen import worst

COUNTS = Kind("table_counts", fresh_s=10.0)
# As in the readiness checks: a client that asks for the state must not wait for a recovery.
_PATIENCE_S = 1.0
_APIS = {
    "iss_api": ("iss",),
    "nasa_api": ("osdr", "apod", "neo", "flares", "cmes"),
    "jwst_api": ("jwst",),
    "astro_api": ("astro",),
}


async def health(app: web.Application, _: OldParams) -> SystemHealth:
    """Return whether database, broker and upstreams can be reached."""
    verdicts, seen = await asyncio.gather(app[CHECKS].verdicts(), app[SEEN_SOURCES].all())
    servers = {"database": verdicts["database"], "redis": verdicts["broker"]}
    reasons = {name: verdict for name, verdict in servers.items() if verdict != "ok"}
    apis: dict[str, Reach] = {}
    for name, sources in _APIS.items():
        apis[name], reason = _reach(seen, sources)
        if reason is not None:
            reasons[name] = reason
    return SystemHealth(
        status="degraded" if reasons.keys() & servers.keys() else "ok",
        timestamp=app[CLOCK].now(),
        services=ServicesHealth(
            database=_connected(servers["database"]), redis=_connected(servers["redis"]), **apis
        ),
        reasons=reasons,
    )


def _connected(verdict: str) -> Connected:
    return "connected" if verdict == "ok" else "disconnected"


def _reach(seen: Mapping[str, SourceStatus], names: Iterable[str]) -> tuple[Reach, str | None]:
    status = worst([seen[name] for name in names if name in seen])
    if status is None:
        return "unknown", "no process has polled it yet"
    if status.state is SourceState.OK:
        return "connected", None
    return status.state, f"{status.name}: {status.reason}"


async def stats(app: web.Application, _: OldParams) -> SystemStats:
    """Return the numbers of rows and stream entries, and the state of every poller."""
    database, redis, seen = await asyncio.gather(
        _database(app), _redis(app[REDIS], app[HUB].streams), app[SEEN_SOURCES].all()
    )
    return SystemStats(
        database=database,
        redis=redis,
        workers={name: _worker(status) for name, status in sorted(seen.items())},
        workers_reason=app[SEEN_SOURCES].trouble,
        timestamp=app[CLOCK].now(),
    )


async def _database(app: web.Application) -> DatabaseStats:
    async def make() -> Ready:
        counts = await app[REPOSITORIES].old.counts()
        return Ready.of(counts.model_dump_json().encode(), app[CLOCK].now())

    try:
        kept = await app[CACHE].get(COUNTS, COUNTS.name, make)
    except TRANSIENT_ERRORS as error:
        return DatabaseStats(reason=f"the database does not answer: {error}")
    if kept.ready is None:
        return DatabaseStats(reason="nothing was counted")
    counts = TableCounts.model_validate_json(kept.ready.body)
    reason = "the database does not answer; these are old" if kept.is_stale else None
    return DatabaseStats(**counts.model_dump(), as_of=kept.made_at, reason=reason)


async def _redis(redis: Redis, streams: Sequence[Stream]) -> RedisStats:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            servers = await broker_info(redis, "default")
            found = {stream.key: await _stream(redis, stream.key) for stream in streams}
    except (RedisError, TimeoutError) as error:
        return RedisStats(reason=f"the broker does not answer: {str(error) or 'too slow'}")
    # In a cluster: one version, the shortest uptime, the sums of memory and of clients.
    return RedisStats(
        version=min(str(server["redis_version"]) for server in servers),
        uptime_s=min(server["uptime_in_seconds"] for server in servers),
        used_memory_bytes=sum(server["used_memory"] for server in servers),
        connected_clients=sum(server["connected_clients"] for server in servers),
        streams=found,
    )


async def _stream(redis: Redis, key: str) -> StreamStats:
    length = await redis.xlen(key)
    group = await group_info(redis, key, PERSISTENCE) if length else None
    # The lag is not known where entries were removed from the middle of a stream.
    known = group is not None and group["lag"] is not None
    waiting = group["lag"] + group["pending"] if group and known else None
    return StreamStats(length=length, waiting=waiting)


def _worker(status: SourceStatus) -> WorkerStats:
    return WorkerStats(
        state=status.state,
        reason=status.reason,
        provider=status.provider,
        last_run=status.last_attempt,
        last_success=status.last_success,
        next_run=status.next_poll,
        failures=status.failures,
    )


ROUTES = (
    Route(
        path="/api/v1/health",
        handler=uncached(health),
        summary="Whether database, broker and upstreams can be reached.",
        tag="system",
        params=OldParams,
        answer=SystemHealth,
        graph={"system_health": health},
        cost=0,
    ),
    Route(
        path="/api/v1/system/stats",
        handler=uncached(stats),
        summary="Rows, streams and pollers, counted.",
        tag="system",
        params=OldParams,
        answer=SystemStats,
        graph={"system_stats": stats},
    ),
)
