"""What the application holds, by typed keys."""

from aiohttp import web
from redis.asyncio import Redis

from libs.common.broker import Publisher
from libs.common.clock import Clock
from services.gateway.access import Access
from services.gateway.asking import Asker
from services.gateway.cache import HistoryCache
from services.gateway.checks import SharedChecks
from services.gateway.latest import Latest
from services.gateway.latest.dashboard import LatestDashboard
from services.gateway.live import LiveHub
from services.gateway.middlewares.accesslog import AccessLog
from services.gateway.middlewares.headers import CommonHeaders
from services.gateway.ratelimit import Limiter
from services.gateway.repositories import Repositories
from services.gateway.settings import GatewaySettings
from services.gateway.sources_seen import SeenSources
from services.gateway.thumbnails import Thumbnails
from services.gateway.triggers import Triggers

SETTINGS = web.AppKey("settings", GatewaySettings)
CLOCK = web.AppKey("clock", Clock)
CHECKS = web.AppKey("checks", SharedChecks)
LATEST = web.AppKey("latest", Latest)
DASHBOARD = web.AppKey("dashboard", LatestDashboard)
HUB = web.AppKey("hub", LiveHub)
REPOSITORIES = web.AppKey("repositories", Repositories)
SEEN_SOURCES = web.AppKey("seen_sources", SeenSources)
PUBLISHER = web.AppKey("publisher", Publisher)
ACCESS = web.AppKey("access", Access)
ACCESS_LOG = web.AppKey("access_log", AccessLog)
COMMON_HEADERS = web.AppKey("common_headers", CommonHeaders)
LIMITER = web.AppKey("limiter", Limiter)
CACHE = web.AppKey("cache", HistoryCache)
ASKER = web.AppKey("asker", Asker)
TRIGGERS = web.AppKey("triggers", Triggers)
REDIS = web.AppKey("redis", Redis)
THUMBNAILS = web.AppKey("thumbnails", Thumbnails)
