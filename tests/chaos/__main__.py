"""`python -m tests.chaos`: plays every scenario and says what was lost, doubled and dead."""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Mapping, Sequence

import redis

from deploy.embedded.leftovers import MARK
from tests.chaos.scenario import Report, Scenario, Stage
from tests.chaos.scenarios import SCENARIOS
from tests.servers import Servers, running_servers

# What a dead consumer left is taken over after 10 s instead of 60. That is still many times the
# longest batch, so nothing is taken from a consumer that is at work.
_RECLAIM = {"CASSIOPEIA_RECLAIM_IDLE_SECONDS": "10", "CASSIOPEIA_RECLAIM_EVERY_SECONDS": "2"}
# Of each process, when a check does not hold.
_LOG_LINES, _LOG_WIDTH = 20, 300


def main(arguments: Sequence[str]) -> int:
    """Play the scenarios; return 0 when every check holds."""
    chosen = _parser().parse_args(arguments)
    seed = random.randrange(1_000_000) if chosen.seed is None else chosen.seed
    say(f"{chosen.events:,} events, {chosen.kills} kills, --seed {seed}")
    began = time.monotonic()
    reports: dict[str, Report] = {}
    with running_servers(durable=True) as servers:
        for scenario in SCENARIOS:
            if not chosen.only or scenario.name in chosen.only:
                say(f"\n{scenario.name}")
                reports[scenario.name] = play(scenario, servers, chosen, seed)
    _summarize(reports)
    checks = [check for report in reports.values() for check in report.checks]
    failed = sum(not check.holds for check in checks)
    say(f"\n{time.monotonic() - began:.0f} s, --seed {seed}")
    say(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


def play(scenario: Scenario, servers: Servers, chosen: argparse.Namespace, seed: int) -> Report:
    """Play one scenario on an empty broker and a fresh database, and print its checks."""
    with redis.Redis.from_url(servers.valkey_url) as client:
        client.flushall()
    database_url = servers.database_url(servers.create_database())
    logs = servers.folder / scenario.name
    logs.mkdir()
    stage = Stage(
        servers=servers,
        database_url=database_url,
        environment={
            "CASSIOPEIA_REDIS_URL": servers.valkey_url,
            "CASSIOPEIA_DATABASE_URL": database_url,
            "CASSIOPEIA_LOG_FORMAT": "json",
            # If this process is killed, whoever uses these tests next ends what it left behind.
            MARK: str(servers.folder),
            **_RECLAIM,
        },
        logs=logs,
        # A scenario has the same chances whether or not others were played before it.
        choose=random.Random(f"{seed} {scenario.name}"),
        events=chosen.events,
        kills=chosen.kills,
        poll_seconds=chosen.poll_seconds,
        say=say,
    )
    try:
        report = asyncio.run(scenario.run(stage))
    except Exception as error:  # noqa: BLE001 - the others are played all the same
        report = Report()
        report.check("it is played to its end", f"{type(error).__name__}: {error}", "")
    for check in report.checks:
        say(f"  {'passed' if check.holds else 'FAILED'}  {check.statement}: {check.found}")
    for remark in report.remarks:
        say(f"  {remark}")
    if not all(check.holds for check in report.checks):
        for log in sorted(logs.iterdir()):
            say(f"  the last lines of {log.name}:")
            for line in log.read_text().splitlines()[-_LOG_LINES:]:
                say(f"    {line[:_LOG_WIDTH]}")
    return report


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def _summarize(reports: Mapping[str, Report]) -> None:
    columns = ("sent", "stored", "lost", "doubled", "dead", "recovery")
    say(f"\n{'scenario':<24}" + "".join(f"{column:>10}" for column in columns))
    for name, report in reports.items():
        counts = (report.sent, report.stored, report.lost, report.doubled, report.dead)
        cells = "".join(f"{count:>10,}" for count in counts)
        say(f"{name:<24}{cells}{report.recovery_s:>8.1f} s")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--events", type=_positive, default=100_000, help="events to publish")
    parser.add_argument("--kills", type=_positive, default=10, help="kill -9 of persistence")
    parser.add_argument(
        "--poll-seconds", type=_positive, default=30, help="how long pollers are restarted"
    )
    parser.add_argument("--seed", type=int, help="repeats the choices of an earlier run")
    parser.add_argument(
        "--only",
        action="append",
        choices=[scenario.name for scenario in SCENARIOS],
        help="a scenario to play; may be given several times",
    )
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
