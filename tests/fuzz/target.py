"""A gateway as a process of its own, and what it holds while it is attacked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from deploy.embedded.servers import free_ports
from libs.common.broker import Publisher, connect, create_broker
from services.gateway.application import ROUTES
from services.gateway.routing import Route
from tests.factories import elements_event, position_event
from tests.processes import ServiceProcess
from tests.servers import Servers
from tests.waiting import wait_until

# What is done with after this is left for good.
_QUIET_S = 20.0


@dataclass(frozen=True, slots=True)
class Target:
    """A running gateway."""

    url: str
    process: ServiceProcess

    @property
    def held(self) -> psutil.Process:
        """The process, to be looked at."""
        return psutil.Process(self.process.pid)

    def connections(self) -> int:
        """Return how many clients are connected."""
        port = int(self.url.rpartition(":")[2])
        return sum(
            each.laddr.port == port and each.status != psutil.CONN_LISTEN
            for each in self.held.net_connections("tcp")
        )

    def memory_mb(self) -> float:
        """Return what is its own of memory."""
        return self.held.memory_full_info().uss / 1_000_000

    async def let_go(self) -> None:
        """Wait until it holds no connection of ours."""
        await wait_until(lambda: self.connections() == 0, _QUIET_S, "no connection is left")

    def errors(self) -> list[str]:
        """Return the lines of its log that tell of faults of its own."""
        lines = self.process.log.read_text(errors="replace").splitlines()
        return [line for line in lines if '"level": "error"' in line or "Traceback" in line]


@asynccontextmanager
async def target(servers: Servers, database: str, folder: Path) -> AsyncIterator[Target]:
    """Run a gateway that has something to tell, and soon loses patience with slow clients."""
    [port] = free_ports(1)
    process = ServiceProcess(
        "gateway",
        environment={
            "CASSIOPEIA_DATABASE_URL": servers.reader_database_url(database),
            "CASSIOPEIA_REDIS_URL": servers.valkey_url,
            "CASSIOPEIA_PORT": str(port),
            "CASSIOPEIA_LIMIT_PER_MINUTE": "100000000",
            "CASSIOPEIA_LIMIT_BURST": "100000000",
            "CASSIOPEIA_TRUSTED_PROXIES": "127.0.0.1",
            "CASSIOPEIA_CORS_ORIGINS": "https://dashboard.example",
            "CASSIOPEIA_IDLE_SECONDS": "5",
            "CASSIOPEIA_SLOW_CLIENT_SECONDS": "2",
            "CASSIOPEIA_REFRESH_WAIT_SECONDS": "0.1",
            "CASSIOPEIA_QUESTION_WAIT_SECONDS": "0.5",
            "CASSIOPEIA_LOG_FORMAT": "json",
        },
        log=folder / "gateway.log",
    )
    await _publish(servers.valkey_url)
    try:
        await process.start_ready(60)
        yield Target(f"http://127.0.0.1:{port}", process)
    finally:
        await process.stop()


async def _publish(url: str) -> None:
    now = datetime.now(UTC)
    broker, redis = create_broker(url, "fuzz"), connect(url, "fuzz")
    async with broker:
        await Publisher(broker, redis).publish(
            [
                *(position_event(time=now - timedelta(seconds=second)) for second in range(1, 60)),
                elements_event(),
            ]
        )
    await redis.aclose()


def paths() -> list[str]:
    """Return the path of every route, with something in the places of its parameters."""
    return [_filled(route) for route in ROUTES]


def _filled(route: Route) -> str:
    parts = route.path.split("/")
    return "/".join("OSD-1" if part.startswith("{") else part for part in parts)
