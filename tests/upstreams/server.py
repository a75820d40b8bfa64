"""Runs simulators on a port, with the control that switches their faults."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from aiohttp import web

from tests.upstreams.base import Simulator
from tests.upstreams.control import add_control

S = TypeVar("S", bound=Simulator)

LOOPBACK = "127.0.0.1"


@asynccontextmanager
async def running(simulator: S, *, port: int = 0) -> AsyncIterator[S]:
    """Run one simulator on a port of its own.

    Args:
        simulator: It may run again after it has stopped; its log goes on.
        port: A free one by default.

    Yields:
        The simulator, whose `url` is set.
    """
    async with serving({"": simulator}, port=port):
        yield simulator


@asynccontextmanager
async def serving(
    simulators: Mapping[str, Simulator], *, host: str = LOOPBACK, port: int = 0
) -> AsyncIterator[str]:
    """Run simulators under one port, each below its prefix (`""` or `/name`).

    Yields:
        The address of the control.
    """
    application = web.Application()
    add_control(application, simulators.values())
    for prefix, simulator in simulators.items():
        application.router.add_route("*", f"{prefix}{simulator.root}/{{path:.*}}", simulator.handle)
    runner = web.AppRunner(
        application,
        # A call whose client has left must not stay in flight.
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=1,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        address = f"http://{host}:{runner.addresses[0][1]}"
        for prefix, simulator in simulators.items():
            simulator.url = f"{address}{prefix}{simulator.root}"
        yield f"{address}/_simulator"
    finally:
        for simulator in simulators.values():
            simulator.release()
        await runner.cleanup()
