"""The admin port of every process: `/live`, `/ready`, `/metrics`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from libs.common import metrics
from libs.common.errors import CassiopeiaError

# A check that takes longer counts as failed: whoever asked `/ready` has given up by then.
CHECK_TIMEOUT_S = 1.0

# Returns when all is well, raises with the reason when not.
Check = Callable[[], Awaitable[None]]


async def run_checks(checks: Mapping[str, Check]) -> dict[str, str]:
    """Run all checks at once; return for each one `ok` or the reason why it failed."""

    async def verdict(check: Check) -> str:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await check()
        except TimeoutError:
            return f"no answer within {CHECK_TIMEOUT_S:g} s"
        except (CassiopeiaError, OSError) as error:
            return str(error) or type(error).__name__
        return "ok"

    verdicts = await asyncio.gather(*(verdict(check) for check in checks.values()))
    return dict(zip(checks, verdicts, strict=True))


def create_admin(checks: Mapping[str, Check]) -> web.Application:
    """Return the admin application; it also runs checks that are added to `checks` later."""

    async def live(_: web.Request) -> web.Response:
        # Asks no server: a database that is down is no reason to restart this process.
        return web.json_response({"live": True})

    async def ready(_: web.Request) -> web.Response:
        verdicts = await run_checks(checks)
        is_ready = all(verdict == "ok" for verdict in verdicts.values())
        return web.json_response(
            {"ready": is_ready, "checks": verdicts}, status=200 if is_ready else 503
        )

    async def exposition(_: web.Request) -> web.Response:
        return web.Response(
            body=metrics.exposition(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    admin = web.Application()
    admin.add_routes(
        [web.get("/live", live), web.get("/ready", ready), web.get("/metrics", exposition)]
    )
    return admin
