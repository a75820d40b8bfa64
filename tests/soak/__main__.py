"""`python -m tests.soak`: runs the suite under a steady load and says whether anything grows."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import psycopg
import redis as blocking
from redis.asyncio import Redis

from deploy.embedded.servers import free_ports
from tests.e2e.running import Run
from tests.soak import report
from tests.soak.load import Load
from tests.soak.sampling import Series, Watched
from tests.soak.trend import FULL_S, Sample
from tests.upstreams.everything import every_simulator
from tests.upstreams.server import serving
from tests.waiting import wait_until

HOUR_S, SHORTEST_S = 3_600, 30
REPLICAS = "persistence=2 gateway=2"
# Every source does something every minute, where its upstream's limit allows that.
_PERIODS = {
    "CASSIOPEIA_ISS_POLL_SECONDS": "2",
    "CASSIOPEIA_OSDR_POLL_SECONDS": "60",
    "CASSIOPEIA_JWST_POLL_SECONDS": "60",
    "CASSIOPEIA_ASTRO_POLL_SECONDS": "60",
    "CASSIOPEIA_APOD_POLL_SECONDS": "60",
    "CASSIOPEIA_NEO_POLL_SECONDS": "60",
    "CASSIOPEIA_DONKI_POLL_SECONDS": "60",
    "CASSIOPEIA_LAUNCHES_POLL_SECONDS": "60",
}
# All clients of the load have one address, and ask for more than one client may.
_LIMITS = {"CASSIOPEIA_LIMIT_PER_MINUTE": "1000000", "CASSIOPEIA_LIMIT_BURST": "1000000"}
_SAMPLES, _LINES = 240, 20
_SHORTEST_PAUSE_S, _SHORTEST_LINE_S = 1.0, 5.0
_LONGEST_KEPT_S = 60
_SETTLED_S = 60


class Verdict(NamedTuple):
    """A statement that must hold, and what was found."""

    statement: str
    holds: bool
    found: str


def main(arguments: Sequence[str]) -> int:
    """Run, sample, judge; return 0 when nothing grows and nothing is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=HOUR_S)
    seconds = parser.parse_args(arguments).seconds
    if seconds < SHORTEST_S:
        parser.error(f"--seconds {seconds}: expected at least {SHORTEST_S}")
    say(f"{seconds} s, {REPLICAS}")
    if seconds < FULL_S:
        say(f"below {FULL_S} s tolerances are wide: only a gross leak would show")
    series, verdicts = asyncio.run(_soak(seconds))
    table, growing = report.lines(series)
    say("")
    for line in table:
        say(line)
    say("")
    verdicts.append(Verdict("nothing grows", not growing, ", ".join(growing) or "all flat"))
    for verdict in verdicts:
        say(f"{'passed' if verdict.holds else 'FAILED'}  {verdict.statement}: {verdict.found}")
    failed = sum(not verdict.holds for verdict in verdicts)
    say(f"{len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed else 0


async def _soak(seconds: int) -> tuple[Mapping[Series, list[Sample]], list[Verdict]]:
    with tempfile.TemporaryDirectory(prefix="cassiopeia-soak-") as folder:
        async with _suite(Path(folder) / "data") as run:
            watched = Watched(run, blocking.Redis.from_url(run.known["redis_url"]))
            async with Redis.from_url(run.known["redis_url"]) as redis:
                load = Load(
                    run.known["gateway_url"],
                    run.known["redis_url"],
                    redis,
                    timedelta(seconds=min(seconds / 4, _LONGEST_KEPT_S)),
                )
                async with load.running():
                    series = await _watch(watched, load, seconds)
                await wait_until(lambda: watched.broker_settled, _SETTLED_S, "all is stored")
            verdicts = _verdicts(run, watched, load)
        return series, [*verdicts, _stop_verdict(run)]


@asynccontextmanager
async def _suite(data: Path) -> AsyncIterator[Run]:
    """Run the suite against the simulators while the body runs, and stop it."""
    simulators = every_simulator()
    async with serving({f"/{each.name}": each for each in simulators}):
        run = Run(
            data,
            "deploy.embedded",
            {
                "CASSIOPEIA_PORT": str(free_ports(1)[0]),
                "REPLICAS": REPLICAS,
                **_PERIODS,
                **_LIMITS,
                **{each.setting: each.url for each in simulators},
            },
        )
        try:
            # In threads, since the loop of this process is the upstreams.
            await asyncio.to_thread(run.start_ready, 180)
            yield run
        finally:
            await asyncio.to_thread(run.remove)


async def _watch(watched: Watched, load: Load, seconds: int) -> Mapping[Series, list[Sample]]:
    series: dict[Series, list[Sample]] = defaultdict(list)
    pause_s = max(_SHORTEST_PAUSE_S, seconds / _SAMPLES)
    line_s = max(_SHORTEST_LINE_S, seconds / _LINES)
    began, told = time.monotonic(), 0.0
    while (at := time.monotonic() - began) < seconds:
        found = await asyncio.to_thread(watched.sample)
        for name, value in found.items():
            series[name].append(Sample(at, value))
        if at - told >= line_s:
            told = at
            memory = sum(value for name, value in found.items() if name.measure == "memory")
            say(
                f"{at:6.0f} s  published {load.published:,}"
                f"  in the streams {found[Series('streams', 'entries')]:,.0f}"
                f"  unacknowledged {found[Series('streams', 'unacknowledged')]:,.0f}"
                f"  dead rows {found[Series('tables', 'dead rows')]:,.0f}"
                f"  memory {memory:,.0f} MB"
            )
        await asyncio.sleep(pause_s)
    return series


def _verdicts(run: Run, watched: Watched, load: Load) -> list[Verdict]:
    now = watched.running()
    ended = [name for name, pid in watched.pids.items() if now[name] != pid]
    bad = {status: count for status, count in load.answers.items() if status != HTTPStatus.OK}
    stored = _stored(str(run.known["database_url"]))
    answered = (
        f"{load.answers[HTTPStatus.OK]:,} answers, {load.frames / 1e6:,.1f} MB of live events"
    )
    return [
        Verdict("no process ended", not ended, ", ".join(ended) or "none did"),
        Verdict(
            "every event is a row",
            stored == load.published > 0,
            f"{load.published:,} published, {stored:,} rows",
        ),
        Verdict(
            "nothing became a dead letter", not watched.dead_letters, f"{watched.dead_letters}"
        ),
        Verdict("the gateway answered", not bad, f"{answered}; others {bad or 'none'}"),
    ]


def _stop_verdict(run: Run) -> Verdict:
    code = run.process.returncode
    return Verdict("the suite stopped as asked", code == 0, f"exit code {code}")


def _stored(database_url: str) -> int:
    """Return the rows of the load, whose positions are a day old; the suite's own are new."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM iss_positions WHERE time < now() - interval '12 hours'"
        ).fetchone()
    return int(row[0]) if row else 0


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
