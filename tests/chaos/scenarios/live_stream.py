"""Gateways killed, halted and cut off while a client follows the live stream."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from deploy.embedded.servers import free_ports
from tests.chaos.faults import crash
from tests.chaos.live_client import LiveClient
from tests.chaos.load import Load, Part, publishing
from tests.chaos.moved_clock import AHEAD, BACK, command
from tests.chaos.scenario import Report, Row, Stage
from tests.processes import Replicas
from tests.proxies import FAIR, TcpProxy, Weather, proxied
from tests.waiting import wait_until

REPLICAS = 2
# A live stream is for events that come one by one; 400 a second are more than all sources give.
_MOST_EVENTS = 2_000
_AT_ONCE, _EVERY_S = 20, 0.05
_HALTED_S = 3.0
_SILENT_S = 6.0
_SHORT_S = 2.0
_CAUGHT_UP_WITHIN_S = 20.0


class LiveStream:
    """Two gateways on one port, and a client that gets every event once.

    `stored` is what the client received.
    """

    name = "live stream"

    async def run(self, stage: Stage) -> Report:
        """Publish a part of the events for each fault, and wait until the client has them all."""
        broker_url = stage.environment["CASSIOPEIA_REDIS_URL"]
        port = free_ports(1)[0]
        async with proxied(broker_url, stage.choose) as proxy:
            environment = {
                **stage.environment,
                "CASSIOPEIA_REDIS_URL": proxy.url(broker_url),
                "CASSIOPEIA_PORT": f"{port}",
            }
            async with (
                publishing(broker_url) as publisher,
                Replicas(
                    "gateway",
                    REPLICAS,
                    environment=environment,
                    logs=stage.logs,
                    command=command("gateway"),
                ) as gateways,
                _following(LiveClient(f"http://127.0.0.1:{port}")) as client,
            ):
                for process in gateways.processes:
                    await process.wait_until_ready()
                count = min(stage.events, _MOST_EVENTS)
                # What the gateway passes on of what the database refuses is not the question here.
                load = Load(publisher, count, stage.choose, places=())
                play = _Play(stage, load, client, proxy, gateways)
                await play.strike_all()
            report = play.report()
        report.check("no process ended unasked", gateways.surprises, [])
        return report


class _Play:
    def __init__(
        self, stage: Stage, load: Load, client: LiveClient, proxy: TcpProxy, gateways: Replicas
    ) -> None:
        self._stage = stage
        self._load = load
        self._client = client
        self._proxy = proxy
        self._gateways = gateways
        self._recoveries: dict[str, float] = {}

    async def strike_all(self) -> None:
        """Strike with each fault once."""
        faults: Mapping[str, Callable[[], Awaitable[None]]] = {
            "kill -9 of the gateways": self._kill,
            "SIGSTOP of the gateways": self._halt,
            "their clocks an hour ahead": partial(self._jump, AHEAD, BACK),
            "their clocks an hour back": partial(self._jump, BACK, AHEAD),
            "cut off from their broker": partial(self._under, Weather(refusing=True), _SHORT_S),
            "silence before their broker": partial(self._under, Weather(silent=True), _SILENT_S),
            "torn messages of theirs": partial(self._under, Weather(halving=0.1), _SHORT_S),
            "kill -9 of their broker": self._crash_broker,
        }
        for part in self._load.parts(list(faults)):
            publishing = asyncio.create_task(self._publish(part))
            struck_at = time.monotonic()
            await faults[part.fault]()
            await publishing
            with contextlib.suppress(AssertionError):  # the report says what is missing
                await wait_until(self._caught_up, _CAUGHT_UP_WITHIN_S, "the client has all")
            recovery_s = self._recoveries[part.fault] = time.monotonic() - struck_at
            self._stage.say(f"  {part.fault:<32}{recovery_s:>6.1f} s")

    def report(self) -> Report:
        """Compare what was accepted under each fault with what the client has."""
        rows = {fault: Row(fault, recovery_s=took) for fault, took in self._recoveries.items()}
        received = self._client.events
        for event, fault in self._load.accepted.items():
            rows[fault].sent += 1
            rows[fault].stored += event in received
            rows[fault].lost += event not in received
        report = Report(rows=list(rows.values()))
        missing = self._load.accepted.keys() - received
        report.check("every accepted event has come: missing", len(missing), 0)
        twice = sum(count > 1 for count in self._client.frames.values())
        report.check("no entry of the stream has come twice: doubled", twice, 0)
        others = received - self._load.accepted.keys()
        report.check("nothing else has come: others", len(others), 0)
        report.check("no gap was told of", dict(self._client.notes), {})
        report.remarks.append(f"the client connected {self._client.connections} times")
        return report

    def _caught_up(self) -> bool:
        return self._load.accepted.keys() <= self._client.events

    async def _publish(self, part: Part) -> None:
        for start in range(part.start, part.stop, _AT_ONCE):
            few = part._replace(start=start, stop=min(start + _AT_ONCE, part.stop))
            await self._load.publish_part(few)
            await asyncio.sleep(_EVERY_S)

    async def _kill(self) -> None:
        for process in self._gateways.processes:
            await process.kill()

    async def _halt(self) -> None:
        for number in (signal.SIGSTOP, signal.SIGCONT):
            self._signal(number)
            await asyncio.sleep(_HALTED_S)

    async def _jump(self, there: signal.Signals, back: signal.Signals) -> None:
        self._signal(there)
        await asyncio.sleep(_SHORT_S)
        self._signal(back)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._gateways.processes:
            process.send_signal(number)

    async def _under(self, weather: Weather, seconds: float) -> None:
        self._proxy.weather = weather
        await asyncio.sleep(seconds)
        self._proxy.weather = FAIR

    async def _crash_broker(self) -> None:
        await asyncio.to_thread(crash, self._stage.servers.valkey)


@asynccontextmanager
async def _following(client: LiveClient) -> AsyncIterator[LiveClient]:
    following = asyncio.create_task(client.follow_forever())
    try:
        yield client
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
