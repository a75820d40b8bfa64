"""What the application holds, by typed keys."""

from collections.abc import Mapping

from aiohttp import web

from libs.common.admin import Check
from libs.common.broker import Publisher
from libs.common.clock import Clock
from libs.common.sources import SourceRegistry
from services.gateway.latest import LatestIss
from services.gateway.live import LiveHub
from services.gateway.repository import Repository
from services.gateway.settings import GatewaySettings

SETTINGS = web.AppKey("settings", GatewaySettings)
CLOCK = web.AppKey("clock", Clock)
CHECKS = web.AppKey("checks", Mapping[str, Check])
LATEST = web.AppKey("latest", LatestIss)
HUB = web.AppKey("hub", LiveHub)
REPOSITORY = web.AppKey("repository", Repository)
SOURCES = web.AppKey("sources", SourceRegistry)
PUBLISHER = web.AppKey("publisher", Publisher)
