"""Wires the gateway: the follower feeds memory, the application serves from it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from libs.common.broker import (
    Publisher,
    agree_on_layout,
    check_broker,
    connect,
    create_broker,
    wait_for_broker,
)
from libs.common.clock import Clock, SystemClock
from libs.common.database import check_database, create_pool, wait_for_schema
from libs.common.logging import get_logger
from libs.common.runtime import Runtime
from libs.common.sources import SourceRegistry
from services.gateway.application import create_application
from services.gateway.follower import Follower
from services.gateway.keys import (
    CHECKS,
    CLOCK,
    HUB,
    LATEST,
    PUBLISHER,
    REPOSITORY,
    SETTINGS,
    SOURCES,
)
from services.gateway.latest import LatestIss
from services.gateway.live import LiveHub
from services.gateway.repository import Repository
from services.gateway.settings import GatewaySettings

_log = get_logger(__name__)


@asynccontextmanager
async def bootstrap(
    settings: GatewaySettings, runtime: Runtime, clock: Clock | None = None
) -> AsyncIterator[None]:
    """Run the service; `clock` replaces the machine's."""
    clock = clock or SystemClock()
    name = f"gateway-{settings.replica}"
    url = settings.redis_url.get_secret_value()
    redis, broker = connect(url, name), create_broker(url, name)
    pool = create_pool(
        settings.database_url.get_secret_value(),
        name=name,
        size=settings.database_pool_size,
        read_only=True,
    )
    runtime.checks["broker"] = lambda: check_broker(redis)
    runtime.checks["database"] = lambda: check_database(pool)
    latest = LatestIss(clock)
    hub = LiveHub(redis, settings.live_queue_length, settings.layout.event_streams)
    repository = Repository(pool)
    follower = Follower(redis, latest, hub)

    application = create_application()
    application[SETTINGS] = settings
    application[CLOCK] = clock
    application[CHECKS] = runtime.checks
    application[LATEST] = latest
    application[HUB] = hub
    application[REPOSITORY] = repository
    application[SOURCES] = SourceRegistry(redis)
    application[PUBLISHER] = Publisher(broker, redis, settings.layout)
    try:
        await wait_for_broker(redis)
        await agree_on_layout(redis, settings.layout)
        await pool.open()
        await wait_for_schema(pool)
        await follower.fill(repository)
        async with broker, _listening(application, settings):
            runtime.spawn("follower", follower.follow_forever())
            yield
            hub.close()
    finally:
        await pool.close()
        await redis.aclose()


@asynccontextmanager
async def _listening(
    application: web.Application, settings: GatewaySettings
) -> AsyncIterator[None]:
    runner = web.AppRunner(
        application,
        access_log=None,
        # Requests in progress get this long; live streams end by themselves before that.
        shutdown_timeout=settings.stop_seconds / 2,
        # A handler whose client has gone holds a connection for nobody.
        handler_cancellation=True,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port, reuse_port=True)
        await site.start()
        _log.info("listening", address=f"http://{settings.host}:{settings.port}")
        yield
    finally:
        await runner.cleanup()
