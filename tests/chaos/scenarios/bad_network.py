"""The network between the services and both servers: cut, silent, torn, slow; and wrong clocks."""

import signal
from collections.abc import Iterator

from tests.chaos.faults import Outages
from tests.chaos.moved_clock import AHEAD, BACK, command
from tests.chaos.scenario import Report, Stage
from tests.chaos.storm import Fault, storm
from tests.processes import Replicas
from tests.proxies import TcpProxy, Weather, proxied

REPLICAS = 2
# A full pipeline of 500 events takes a second and a half, below the client's 5 s without a byte.
_NARROW_BYTES_PER_S = 400_000.0
# Longer than the client of the broker waits for an answer.
_SILENT_S = 6.0
_SHORT_S = 2.0


class BadNetwork:
    """Everything that a network does, and clocks that jump by an hour."""

    name = "network and clocks"

    async def run(self, stage: Stage) -> Report:
        """Strike with all of it while two replicas store."""
        broker_url = stage.environment["CASSIOPEIA_REDIS_URL"]
        async with (
            proxied(broker_url, stage.choose) as to_broker,
            proxied(stage.database_url, stage.choose) as to_database,
        ):
            url = to_broker.url(broker_url)
            environment = {
                **stage.environment,
                "CASSIOPEIA_REDIS_URL": url,
                "CASSIOPEIA_DATABASE_URL": to_database.url(stage.database_url),
            }
            async with Replicas(
                "persistence",
                REPLICAS,
                environment=environment,
                logs=stage.logs,
                command=command("persistence"),
            ) as replicas:
                faults = [
                    *_weather("the broker", to_broker),
                    *_weather("the database", to_database),
                    _jump("clocks an hour ahead", replicas, AHEAD),
                    _jump("clocks an hour back", replicas, BACK),
                ]
                report = await storm(stage, faults, replicas, url, overlapping=False)
        report.check("no process ended unasked", replicas.surprises, [])
        for name, proxy in (("broker", to_broker), ("database", to_database)):
            report.remarks.append(
                f"to the {name}: {proxy.connections} connections, {proxy.halved} of them torn"
            )
        return report


def _weather(server: str, proxy: TcpProxy) -> Iterator[Fault]:
    outages = Outages()
    for name, weather, seconds in (
        ("cut off from", Weather(refusing=True), _SHORT_S),
        ("silence before", Weather(silent=True), _SILENT_S),
        ("torn messages to and from", Weather(halving=0.05), _SHORT_S),
        ("a slow way to", Weather(delay_s=0.1, bytes_per_s=_NARROW_BYTES_PER_S), _SHORT_S),
    ):
        yield outages.under(f"{name} {server}", proxy, weather, seconds)


def _jump(name: str, replicas: Replicas, number: signal.Signals) -> Fault:
    async def strike() -> None:
        for process in replicas.processes:
            process.send_signal(number)

    return Fault(name, strike)
