"""Wires ingest_jwst: one source, with the archives in order of preference."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from libs.common.breaker import BackOff
from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.polling.budget import Budget
from libs.common.polling.fence import Fence
from libs.common.polling.ingest import Ingest, ingesting
from libs.common.polling.poller import Poller, PollOptions
from libs.common.polling.providers import Provider
from libs.common.polling.published import Published
from libs.common.runtime import Runtime
from libs.common.upstream.client import ClientOptions, UpstreamClient
from services.ingest_jwst.crawl import Crawl, CrawlOptions
from services.ingest_jwst.progress import Progress
from services.ingest_jwst.providers import jwstapi, mast
from services.ingest_jwst.providers.jwstapi import KEY_HEADER, JwstApi, PageProgress
from services.ingest_jwst.providers.mast import Mast, MastOptions
from services.ingest_jwst.providers.shipped import ShippedImages
from services.ingest_jwst.settings import IngestJwstSettings

IMAGES = "jwst"

_BACK_OFF = BackOff(threshold=1, base_s=60.0, cap_s=3_600.0)
# Ten times a real page. A poll holds the records of all its pages: if each page could have 8 MiB,
# these would take up to 160 MB, too much for a container of 256 MB.
_MAX_BODY_BYTES = 4 * 1024 * 1024


@asynccontextmanager
async def bootstrap(
    settings: IngestJwstSettings, runtime: Runtime, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[None]:
    """Run the service; `clock` replaces the machine's."""

    def build(ingest: Ingest) -> Sequence[Poller]:
        return [_images(settings, ingest)]

    async with ingesting("ingest_jwst", settings, runtime, build, clock):
        yield


def _images(settings: IngestJwstSettings, ingest: Ingest) -> Poller:
    options = PollOptions(
        source=IMAGES,
        every=timedelta(seconds=settings.jwst_poll_seconds),
        jitter=0.05,
        min_gap=timedelta(seconds=min(300.0, settings.jwst_poll_seconds)),
        back_off=_BACK_OFF,
        only_changes=True,
        # The archive releases something every day; jwstapi.com does not say when.
        expect_new_within=timedelta(days=30),
    )
    fence = Fence(ingest.redis, IMAGES)
    providers: list[Provider] = [_mast(settings, ingest, fence)]
    if settings.jwstapi_key.get_secret_value():
        # Preferred by an operator who took the trouble to get a key; without it nothing is missing.
        providers.insert(0, _jwstapi(settings, ingest, fence))
    shipped = ShippedImages(Published(ingest.redis, IMAGES))
    return ingest.poller(options, *providers, shipped, fence=fence)


def _mast(settings: IngestJwstSettings, ingest: Ingest, fence: Fence) -> Provider:
    client = UpstreamClient(
        ingest.session,
        base_url=str(settings.mast_url),
        budget=Budget(ingest.redis, upstream="mast", limits=mast.LIMITS),
        options=ClientOptions(
            timeout_s=settings.jwst_timeout_seconds, max_body_bytes=_MAX_BODY_BYTES, attempts=2
        ),
        clock=ingest.clock,
    )
    crawl = CrawlOptions(
        step=timedelta(days=30),
        overlap=timedelta(days=3),
        history=timedelta(days=settings.jwst_history_days),
    )
    progress = Progress(fence, Mast.name, Crawl())
    options = MastOptions(crawl, every=timedelta(seconds=settings.jwst_poll_seconds))
    return Mast(client, progress, options, ingest.clock)


def _jwstapi(settings: IngestJwstSettings, ingest: Ingest, fence: Fence) -> Provider:
    key = settings.jwstapi_key.get_secret_value()
    client = UpstreamClient(
        ingest.session,
        base_url=str(settings.jwstapi_url),
        budget=Budget(ingest.redis, upstream="jwstapi", limits=jwstapi.LIMITS),
        options=ClientOptions(
            timeout_s=settings.jwst_timeout_seconds,
            max_body_bytes=_MAX_BODY_BYTES,
            attempts=2,
            headers={KEY_HEADER: key},
            secrets=(key,),
        ),
        clock=ingest.clock,
    )
    progress = Progress(fence, JwstApi.name, PageProgress())
    return JwstApi(client, progress, settings.jwstapi_max_pages)
