"""Serve every simulator under one port: `python -m tests.upstreams --port 9100`."""

import argparse
import asyncio
import signal

from tests.upstreams.everything import every_simulator
from tests.upstreams.server import serving


async def serve(host: str, port: int, *, enforce_limits: bool) -> None:
    """Serve until SIGINT or SIGTERM."""
    simulators = every_simulator(enforce_limits=enforce_limits)
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
