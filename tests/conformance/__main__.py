"""`python -m tests.conformance`: the API of a whole suite against its own description.

Services that answer questions run beside the gateway, on the simulators of the upstreams, so that
every route has something to say; schemathesis must find no failure.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from deploy.embedded.servers import free_ports
from libs.common.clock import SystemClock
from services.gateway.access.tokens import Tokens
from services.gateway.routing import Scope
from services.gateway.settings import GatewaySettings
from tests.conformance.rows import rows
from tests.contract.clients import store
from tests.processes import ServiceProcess
from tests.servers import CHECKOUT, Servers, running_servers
from tests.upstreams.archives import Archives
from tests.upstreams.server import running

# It never ends, by its nature; tests/contract/test_live.py reads it.
WITHOUT = "/api/v1/events"
_TIMEOUT_S = 30
_TOKEN_LIFE = timedelta(hours=2)
ISSUER = GatewaySettings.model_fields["token_issuer"].default
AUDIENCE = GatewaySettings.model_fields["token_audience"].default


def main(arguments: Sequence[str]) -> int:
    """Run it; return schemathesis's exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--examples", type=int, default=25, help="generated requests per route")
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    parser.add_argument("--seed", type=int, help="repeats the requests of an earlier run")
    chosen = parser.parse_args(arguments)
    seed = [] if chosen.seed is None else ["--seed", str(chosen.seed)]
    options = ["--phases", chosen.phases, "--max-examples", str(chosen.examples), *seed]
    with running_servers() as servers:
        return asyncio.run(_check(servers, servers.folder, options))


async def _check(servers: Servers, folder: Path, options: Sequence[str]) -> int:
    secret = secrets.token_hex(32)
    async with running(Archives()) as archives, _suite(servers, folder, secret, archives) as url:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            f"{url}/openapi.json",
            *("--checks", "all", "--exclude-path", WITHOUT, "--no-color"),
            *("--request-timeout", str(_TIMEOUT_S)),
            *("--header", f"Authorization: Bearer {_token(secret)}"),
            *options,
            cwd=CHECKOUT,
        )
        return await process.wait()


@asynccontextmanager
async def _suite(
    servers: Servers, folder: Path, secret: str, archives: Archives
) -> AsyncIterator[str]:
    name = servers.create_database()
    await store(servers.database_url(name), rows())
    port, nowhere = free_ports(2)
    common = {
        "CASSIOPEIA_REDIS_URL": servers.valkey_url,
        "CASSIOPEIA_LOG_LEVEL": "warning",
    }
    gateway = {
        "CASSIOPEIA_DATABASE_URL": servers.reader_database_url(name),
        "CASSIOPEIA_PORT": str(port),
        # Thousands of requests of one client are what this is.
        "CASSIOPEIA_LIMIT_PER_MINUTE": "100000000",
        "CASSIOPEIA_LIMIT_BURST": "1000000",
        "CASSIOPEIA_TOKEN_SECRET": secret,
        "CASSIOPEIA_THUMBNAIL_FOLDER": str(folder / "thumbnails"),
        "CASSIOPEIA_THUMBNAIL_MIRROR_URL": archives.url,
        "CASSIOPEIA_REFRESH_WAIT_SECONDS": "0.2",
    }
    # No upstream answers: what is asked is computed.
    silent = {f"CASSIOPEIA_{each}_URL": f"http://127.0.0.1:{nowhere}" for each in _UPSTREAMS}
    plan: Mapping[str, Mapping[str, str]] = {
        "gateway": gateway,
        "ingest_iss": silent,
        "ingest_astro": silent,
    }
    async with AsyncExitStack() as stack:
        for service, own in plan.items():
            process = ServiceProcess(
                service, environment={**common, **own}, log=folder / f"{service}.log"
            )
            stack.push_async_callback(process.stop)
            await process.start_ready()
        yield f"http://127.0.0.1:{port}"


_UPSTREAMS = ("WHERETHEISS", "CELESTRAK", "ASTRONOMYAPI")


def _token(secret: str) -> str:
    tokens = Tokens(secret=secret, keys=None, issuer=ISSUER, audience=AUDIENCE)
    return tokens.issue("conformance", frozenset(Scope), SystemClock().now(), _TOKEN_LIFE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
