"""`python -m tests.limits`: what clients get that ask for ten times their limit.

On three replicas, with and without lies about their address, and with the broker killed.
"""

import argparse
import asyncio
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import redis

from deploy.embedded.servers import free_ports
from tests.limits.clients import Client, Load, Way, complaints, play
from tests.processes import ServiceProcess
from tests.servers import Servers, running_servers

REPLICAS = 3
EXACT = 0.01
# While the broker is away each replica allows its share, whatever the others still have.
WITHOUT_BROKER = 0.1


def main(arguments: Sequence[str]) -> int:
    """Play all; return 0 when every client got its due."""
    parser = argparse.ArgumentParser(prog="python -m tests.limits", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long clients ask")
    parser.add_argument("--clients", type=int, default=20)
    chosen = parser.parse_args(arguments)
    load = Load(clients=chosen.clients, seconds=chosen.seconds, per_minute=120, burst=60)
    with running_servers(durable=True) as servers:
        return asyncio.run(_play_all(servers, load))


async def _play_all(servers: Servers, load: Load) -> int:
    database = servers.create_database()
    failed = 0
    for way in Way:
        async with _replicas(servers, database, way) as urls:
            clients = await play(load, way, urls)
        failed += _report(str(way), clients, load, EXACT)
    async with _replicas(servers, database, Way.PROXIED) as urls:

        async def kill() -> None:
            await asyncio.sleep(load.seconds / 3)
            servers.valkey.kill()
            await asyncio.sleep(load.seconds / 3)
            await asyncio.to_thread(servers.valkey.start)

        clients = await play(load, Way.PROXIED, urls, kill)
    failed += _report("the broker away for the middle third", clients, load, WITHOUT_BROKER)
    return 1 if failed else 0


@asynccontextmanager
async def _replicas(servers: Servers, database: str, way: Way) -> AsyncIterator[list[str]]:
    with redis.Redis.from_url(servers.valkey_url) as client:
        # What the same clients spent before is forgiven.
        client.flushall()
    ports = free_ports(REPLICAS)
    processes = [
        ServiceProcess(
            "gateway",
            environment={
                "CASSIOPEIA_DATABASE_URL": servers.reader_database_url(database),
                "CASSIOPEIA_REDIS_URL": servers.valkey_url,
                "CASSIOPEIA_PORT": str(port),
                "CASSIOPEIA_TRUSTED_PROXIES": "" if way is Way.DIRECT else "127.0.0.1",
            },
            log=Path(servers.folder) / f"gateway-{port}.log",
            replica=replica,
        )
        for replica, port in enumerate(ports)
    ]
    try:
        for process in processes:
            await process.start()
        for process in processes:
            await process.wait_until_ready(60)
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        await asyncio.gather(*(process.stop() for process in processes))


def _report(title: str, clients: Sequence[Client], load: Load, tolerance: float) -> int:
    got = [client.admitted for client in clients]
    due = statistics.mean(client.due(load.per_minute, load.burst) for client in clients)
    asked = sum(client.admitted + client.refused for client in clients)
    wrong = complaints(clients, load, tolerance)
    print(
        f"{'FAILED' if wrong else 'passed'}  {title}: {len(clients)} clients asked {asked:,} times;"
        f" each got {min(got)} to {max(got)}, {due:.1f} were due",
        flush=True,
    )
    for line in wrong:
        print(f"        {line}", flush=True)
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
