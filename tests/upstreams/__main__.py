"""Serve every simulator under one port: `python -m tests.upstreams --port 9100`."""

import argparse
import asyncio
import signal

from tests.upstreams.astronomyapi import AstronomyApi
from tests.upstreams.base import Simulator
from tests.upstreams.celestrak import Celestrak
from tests.upstreams.jwstapi import JwstApi
from tests.upstreams.launchlibrary import LaunchLibrary
from tests.upstreams.mast import Mast
from tests.upstreams.nasa import Nasa
from tests.upstreams.osdr import Osdr, OsdrSearch
from tests.upstreams.osdr_studies import Studies
from tests.upstreams.server import serving
from tests.upstreams.wheretheiss import WhereTheIss


async def serve(host: str, port: int, *, enforce_limits: bool) -> None:
    """Serve until SIGINT or SIGTERM."""
    studies = Studies.of(627)
    simulators: list[Simulator] = [
        WhereTheIss(enforce_limits=enforce_limits),
        Celestrak(enforce_limits=enforce_limits),
        AstronomyApi(enforce_limits=enforce_limits),
        Osdr(studies, enforce_limits=enforce_limits),
        OsdrSearch(studies, enforce_limits=enforce_limits),
        Mast(enforce_limits=enforce_limits),
        JwstApi(enforce_limits=enforce_limits),
        LaunchLibrary(enforce_limits=enforce_limits),
        Nasa(enforce_limits=enforce_limits),
    ]
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    by_prefix = {f"/{simulator.name}": simulator for simulator in simulators}
    async with serving(by_prefix, host=host, port=port) as control:
        for simulator in simulators:
            print(f"{simulator.setting}={simulator.url}")
        print(f"# GET  {control}/calls")
        print(f'# POST {control}/fault {{"upstream": "wheretheiss", "fault": "hang"}}', flush=True)
        await stop.wait()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.upstreams", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument(
        "--enforce-limits", action="store_true", help="answer 429 beyond the published limits"
    )
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(arguments.host, arguments.port, enforce_limits=arguments.enforce_limits))
    except OSError as error:
        parser.exit(1, f"{arguments.host}:{arguments.port}: {error.strerror}; try --port 0\n")


if __name__ == "__main__":
    main()
