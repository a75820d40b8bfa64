"""Wires the gateway: the follower feeds memory, the application serves from it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from libs.common.broker import Publisher, agree_on_layout, connect
from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.connecting import connected
from libs.common.database import pooled, wait_for_schema
from libs.common.polling.sources import SourceRegistry
from libs.common.runtime import Runtime
from services.gateway.access import Access
from services.gateway.access.addresses import Addresses
from services.gateway.access.apikeys import parse_api_keys
from services.gateway.access.tokens import PublicKeys, Tokens
from services.gateway.application import add_routes
from services.gateway.asking import Asker
from services.gateway.cache import HistoryCache
from services.gateway.checks import SharedChecks
from services.gateway.connection import listening
from services.gateway.follower import Follower
from services.gateway.keys import (
    ACCESS,
    ACCESS_LOG,
    ASKER,
    CACHE,
    CHECKS,
    CLOCK,
    COMMON_HEADERS,
    DASHBOARD,
    HUB,
    LATEST,
    LIMITER,
    PUBLISHER,
    REDIS,
    REPOSITORIES,
    SEEN_SOURCES,
    SETTINGS,
    THUMBNAILS,
    TRIGGERS,
)
from services.gateway.latest import Latest
from services.gateway.latest.dashboard import LatestDashboard
from services.gateway.live import LiveHub
from services.gateway.middlewares.accesslog import AccessLog
from services.gateway.middlewares.headers import CommonHeaders
from services.gateway.parsing import MAX_BODY_BYTES
from services.gateway.ratelimit import Limiter, Quota
from services.gateway.repositories import Repositories
from services.gateway.settings import GatewaySettings
from services.gateway.sources_seen import SeenSources
from services.gateway.thumbnails import PictureFetcher, ThumbnailFolder, Thumbnails
from services.gateway.triggers import Triggers


@asynccontextmanager
async def bootstrap(
    settings: GatewaySettings, runtime: Runtime, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[None]:
    """Run the service; `clock` replaces the machine's."""
    async with (
        pooled("gateway", settings, runtime, read_only=True) as pool,
        # The gateway reads without consumer groups, so it does not create them.
        connected("gateway", settings, runtime, prepare=agree_on_layout) as (name, redis, broker),
    ):
        url = settings.redis_url.get_secret_value()
        hub = LiveHub(redis, settings.live_queue_length, settings.layout.event_streams)
        repositories = Repositories.of(pool)
        latest = Latest(clock, repositories.old)
        # Not patient: a cache must not keep a request waiting for a dead broker.
        shared = connect(url, f"{name}-cache", patient=False)
        cache = HistoryCache(shared, clock, settings.cache_memory_bytes)
        thumbnails = _thumbnails(settings)
        # On a connection of its own, so that the limiter's commands never queue behind others.
        limiter = Limiter(connect(url, f"{name}-limits", patient=False))
        follower = Follower(redis, latest, hub, cache)

        application = _application(settings, clock, runtime)
        application[LATEST] = latest
        application[HUB] = hub
        application[REPOSITORIES] = repositories
        application[REDIS] = redis
        application[CACHE] = cache
        application[ASKER] = Asker(broker, clock, settings.question_wait_seconds)
        application[THUMBNAILS] = thumbnails
        application[LIMITER] = limiter
        _show_sources(application, Publisher(broker, redis, settings.layout))
        _guard(application, settings)
        add_routes(application)
        try:
            await pool.open()
            await wait_for_schema(pool)
            await follower.fill(repositories, clock.now())
            await limiter.open()
            async with listening(application):
                runtime.spawn("limiter", limiter.keep_forever())
                runtime.spawn("follower", follower.follow_forever())
                runtime.spawn("catalogue", latest.catalogue.keep_forever())
                yield
                hub.close()
        finally:
            await application[TRIGGERS].close()
            await cache.close()
            await shared.aclose()
            await thumbnails.close()
            await limiter.close()


def _application(settings: GatewaySettings, clock: Clock, runtime: Runtime) -> web.Application:
    application = web.Application(client_max_size=MAX_BODY_BYTES)
    application[SETTINGS] = settings
    application[CLOCK] = clock
    application[CHECKS] = SharedChecks(runtime.checks)
    return application


def _show_sources(application: web.Application, publisher: Publisher) -> None:
    """Give the application what shows the sources, and what asks their pollers for fresh data."""
    redis, clock = application[REDIS], application[CLOCK]
    application[SEEN_SOURCES] = SeenSources(SourceRegistry(redis), clock)
    application[DASHBOARD] = LatestDashboard(application[LATEST])
    application[PUBLISHER] = publisher
    application[TRIGGERS] = Triggers(
        redis,
        publisher,
        latest=application[LATEST],
        hub=application[HUB],
        clock=clock,
        wait_s=application[SETTINGS].refresh_wait_seconds,
    )


def _guard(application: web.Application, settings: GatewaySettings) -> None:
    """Give the application what runs before every handler, except for the limiter."""
    application[ACCESS_LOG] = AccessLog(settings)
    application[COMMON_HEADERS] = CommonHeaders(
        cors_origins=settings.cors_origins, behind_tls=settings.behind_tls
    )
    path = settings.token_jwks_path
    application[ACCESS] = Access(
        Quota(settings.limit_per_minute, settings.limit_burst),
        parse_api_keys(settings.api_keys.get_secret_value()),
        Addresses(settings.trusted_proxies),
        Tokens(
            secret=settings.token_secret.get_secret_value(),
            keys=PublicKeys(path) if path else None,
            issuer=settings.token_issuer,
            audience=settings.token_audience,
        ),
    )


def _thumbnails(settings: GatewaySettings) -> Thumbnails:
    mirror = settings.thumbnail_mirror_url
    return Thumbnails(
        ThumbnailFolder(settings.thumbnail_folder, settings.thumbnail_cache_bytes),
        PictureFetcher(
            max_bytes=settings.thumbnail_max_bytes,
            mirror=str(mirror) if mirror else None,
        ),
    )
