"""`python -m tests.chaos`: plays every scenario and says what was lost, doubled and dead."""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

import redis

from deploy.embedded.leftovers import MARK
from tests.chaos.scenario import Report, Scenario, Stage
from tests.chaos.scenarios import SCENARIOS
from tests.servers import Servers, running_servers

# What a dead consumer left is taken over after 10 s instead of 60. That is still many times the
# longest batch, so nothing is taken from a consumer that is at work.
_RECLAIM = {"CASSIOPEIA_RECLAIM_IDLE_SECONDS": "10", "CASSIOPEIA_RECLAIM_EVERY_SECONDS": "2"}
# Of each process, when a check does not hold.
_LOG_LINES, _LOG_WIDTH = 15, 400


def main(arguments: Sequence[str]) -> int:
    """Play the scenarios; return 0 when every check holds."""
    chosen = _parser().parse_args(arguments)
    seed = random.randrange(1_000_000) if chosen.seed is None else chosen.seed
    scenarios: Sequence[Scenario] = chosen.only
    say(f"{chosen.events:,} events, {chosen.kills} kills, --seed {seed}")
    began = time.monotonic()
    with ExitStack() as running:
        hosts = [
            running.enter_context(running_servers(durable=True))
            for _ in range(min(chosen.jobs, len(scenarios)))
        ]
        reports = asyncio.run(_play_all(scenarios, hosts, chosen, seed))
    _summarize(reports)
    checks = [check for report in reports.values() for check in report.checks]
    failed = sum(not check.holds for check in checks)
    skipped = [name for name, report in reports.items() if report.skipped]
    say(f"\n{time.monotonic() - began:.0f} s, --seed {seed}")
    if skipped:
        say(f"SKIPPED: {', '.join(skipped)}")
    say(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


async def _play_all(
    scenarios: Sequence[Scenario],
    hosts: Sequence[Servers],
    chosen: argparse.Namespace,
    seed: int,
) -> dict[str, Report]:
    """Play each scenario on servers that are free; return the reports in the same order."""
    free: asyncio.Queue[Servers] = asyncio.Queue()
    for servers in hosts:
        free.put_nowait(servers)

    async def play_when_free(scenario: Scenario) -> Report:
        servers = await free.get()
        # Of several at once, each is printed as a whole when it is over.
        lines: list[str] = []
        say_or_keep = say if len(hosts) == 1 else lines.append
        try:
            say_or_keep(f"\n{scenario.name}")
            return await play(scenario, _stage(scenario, servers, chosen, seed, say_or_keep))
        finally:
            free.put_nowait(servers)
            for line in lines:
                say(line)

    played = await asyncio.gather(*map(play_when_free, scenarios))
    return dict(zip((scenario.name for scenario in scenarios), played, strict=True))


def _stage(
    scenario: Scenario,
    servers: Servers,
    chosen: argparse.Namespace,
    seed: int,
    say: Callable[[str], None],
) -> Stage:
    """Empty the broker, make a database, and return what the scenario plays on."""
    with redis.Redis.from_url(servers.valkey_url) as client:
        client.flushall()
    database_url = servers.database_url(servers.create_database())
    logs = servers.folder / scenario.name
    logs.mkdir()
    return Stage(
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


async def play(scenario: Scenario, stage: Stage) -> Report:
    """Play one scenario, and print its checks."""
    try:
        report = await scenario.run(stage)
    except Exception as error:  # noqa: BLE001 - the others are played all the same
        cause: Exception = error
        while isinstance(cause, ExceptionGroup):
            cause = cause.exceptions[0]
        report = Report()
        report.check("it is played to its end", f"{type(cause).__name__}: {cause}", "")
    for check in report.checks:
        stage.say(f"  {'passed' if check.holds else 'FAILED'}  {check.statement}: {check.found}")
    for remark in report.remarks:
        stage.say(f"  {remark}")
    if not all(check.holds for check in report.checks):
        for log in sorted(stage.logs.iterdir()):
            stage.say(f"  the last lines of {log.name}:")
            lines = log.read_text(errors="replace").splitlines()
            # Poison makes a line each, which would be all that is seen.
            telling = [line for line in lines if '"dead_letter"' not in line]
            for line in telling[-_LOG_LINES:]:
                stage.say(f"    {line[:_LOG_WIDTH]}")
    return report


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def _summarize(reports: Mapping[str, Report]) -> None:
    columns = ("sent", "stored", "lost", "doubled", "dead", "recovery")
    say(f"\n{'fault':<42}" + "".join(f"{column:>10}" for column in columns))
    for name, report in reports.items():
        say(f"{name}{': SKIPPED, ' + report.skipped if report.skipped else ''}")
        for row in report.rows:
            counts = (row.sent, row.stored, row.lost, row.doubled, row.dead)
            cells = "".join(f"{count:>10,}" for count in counts)
            say(f"  {row.fault:<40}{cells}{row.recovery_s:>8.1f} s")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--events", type=_positive, default=100_000, help="events to publish")
    parser.add_argument("--kills", type=_positive, default=10, help="kill -9 of persistence")
    parser.add_argument(
        "--poll-seconds", type=_positive, default=30, help="how long pollers are restarted"
    )
    parser.add_argument(
        "--jobs", type=_positive, default=1, help="scenarios at once, each on its own servers"
    )
    parser.add_argument("--seed", type=int, help="repeats the choices of an earlier run")
    names = ", ".join(scenario.name for scenario in SCENARIOS)
    parser.add_argument("--only", type=_scenarios, default=SCENARIOS, help=f"some of {names}")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return value


def _scenarios(text: str) -> Sequence[Scenario]:
    known = {scenario.name: scenario for scenario in SCENARIOS}
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(known)}; not {unknown[0]!r}")
    return [known[name] for name in names]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
