"""Looks at every process, the streams and the tables of a run from outside."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import psutil
import psycopg
from redis import Redis

from libs.common.broker import text
from libs.common.topology import EVENT_STREAMS, EVENTS_DEAD, Stream
from tests.e2e.running import Run

_TABLES = """
SELECT
  (SELECT count(*) FROM iss_positions),
  (SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits
    WHERE inhparent = 'iss_positions'::regclass),
  pg_total_relation_size('iss_positions_minute') + pg_total_relation_size('iss_positions_hour'),
  (SELECT sum(n_dead_tup) FROM pg_stat_user_tables),
  (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
"""
_MEGABYTE = 1e6


class Series(NamedTuple):
    """Whose value of what."""

    subject: str
    measure: str


class Watched:
    """What of a run can be sampled."""

    def __init__(self, run: Run, redis: Redis) -> None:
        self._run = run
        self._redis = redis
        self._database_url = str(run.known["database_url"])
        self.pids = self.running()

    def running(self) -> dict[str, int | None]:
        """Return the process ids by name."""
        known = self._run.known
        pids = {
            f"{service}-{index}" if len(ids) > 1 else service: pid
            for service, ids in known["pids"].items()
            for index, pid in enumerate(ids)
        }
        return pids | {"driver": known["driver_pid"], "supervisor": known["supervisor_pid"]}

    @property
    def dead_letters(self) -> int:
        """How many there are."""
        length: Any = self._redis.xlen(EVENTS_DEAD.key)
        return int(length)

    @property
    def broker_settled(self) -> bool:
        """Whether every entry is acknowledged."""
        return self._streams()[1] == 0

    def sample(self) -> dict[Series, float]:
        """Return all values of this moment; what cannot be seen just now is left out."""
        found: dict[Series, float] = {}
        for name, pid in self.running().items():
            if pid is not None:
                found.update(_process(name, pid))
        entries, unacknowledged = self._streams()
        memory: Any = self._redis.info("memory")
        found |= {
            Series("streams", "entries"): entries,
            Series("streams", "unacknowledged"): unacknowledged,
            Series("data of valkey", "memory"): memory["used_memory"] / _MEGABYTE,
        }
        return found | self._tables()

    def _streams(self) -> tuple[int, int]:
        entries = unacknowledged = 0
        for stream in EVENT_STREAMS:
            length: Any = self._redis.xlen(stream.key)
            groups: Any = self._redis.xinfo_groups(stream.key)
            entries += length
            unacknowledged += sum(group["pending"] + self._lag(stream, group) for group in groups)
        return entries, unacknowledged

    def _lag(self, stream: Stream, group: Mapping[str, Any]) -> int:
        """Return how many entries a group was not given yet; 1 for any number, after a restore."""
        if group["lag"] is not None:
            return int(group["lag"])
        last = text(group["last-delivered-id"])
        unread: Any = self._redis.xrange(stream.key, min=f"({last}", count=1)
        return len(unread)

    def _tables(self) -> dict[Series, float]:
        with psycopg.connect(self._database_url) as connection:
            row = connection.execute(_TABLES).fetchone()
        if row is None:
            return {}
        rows, size, roll_ups, dead, connections = (float(value or 0) for value in row)
        found = {
            Series("tables", "dead rows"): dead,
            Series("roll-ups", "size"): roll_ups / _MEGABYTE,
            # Without our own.
            Series("postgres", "connections"): connections - 1,
        }
        if rows:
            found[Series("iss_positions", "bytes per row")] = size / rows
        return found


def _process(name: str, pid: int) -> dict[Series, float]:
    try:
        process = psutil.Process(pid)
        # A server's helpers are its own; the supervisor's children are the suite.
        family = [process, *process.children()] if name == "postgres" else [process]
        found = {Series(name, "memory"): sum(map(_memory, family)) / _MEGABYTE}
        if name != "postgres":
            connections = process.net_connections(kind="tcp")
            found[Series(name, "file handles")] = process.num_fds()
            found[Series(name, "connections")] = sum(
                connection.status == psutil.CONN_ESTABLISHED for connection in connections
            )
    except psutil.Error:
        return {}
    return found


def _memory(process: psutil.Process) -> int:
    """Return the bytes that a process has asked for, and touched.

    Neither files nor PostgreSQL's shared buffers, which fill once: they count as the memory of
    whoever touched them, alone or not.
    """
    try:
        known = process.memory_info()
        return int(known.rss - known.shared) if psutil.LINUX else process.memory_full_info().uss
    except psutil.NoSuchProcess:
        return 0
