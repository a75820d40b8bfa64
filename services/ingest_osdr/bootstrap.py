"""Wires ingest_osdr: one source, crawled in parts, with a snapshot as its stand-in."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from libs.common.breaker import BackOff
from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.polling.budget import Budget, Limit
from libs.common.polling.fence import Fence
from libs.common.polling.ingest import Ingest, ingesting
from libs.common.polling.poller import Poller, PollOptions
from libs.common.polling.published import Published
from libs.common.runtime import Runtime
from libs.common.upstream.client import ClientOptions, UpstreamClient
from services.ingest_osdr.crawl import Crawl
from services.ingest_osdr.providers import biodata, study_search
from services.ingest_osdr.providers.biodata import Biodata
from services.ingest_osdr.providers.osdr import Osdr
from services.ingest_osdr.providers.shipped import ShippedDatasets
from services.ingest_osdr.providers.study_search import StudySearch
from services.ingest_osdr.settings import IngestOsdrSettings

DATASETS = "osdr"

_LONGEST_PAUSE_S = 3_600.0
# The earlier systems' period; clients that keep asking for fresh data cause a crawl this often.
_REFRESH_GAP_S = 600.0
# A detail has about 20 KB, the listing of 630 studies 80 KB.
_MAX_BODY_BYTES = 2 * 1024 * 1024


@asynccontextmanager
async def bootstrap(
    settings: IngestOsdrSettings, runtime: Runtime, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[None]:
    """Run the service; `clock` replaces the machine's."""

    def build(ingest: Ingest) -> Sequence[Poller]:
        return [_datasets(settings, ingest)]

    async with ingesting("ingest_osdr", settings, runtime, build, clock):
        yield


def _datasets(settings: IngestOsdrSettings, ingest: Ingest) -> Poller:
    def client(upstream: str, url: str, limits: Sequence[Limit]) -> UpstreamClient:
        return UpstreamClient(
            ingest.session,
            base_url=url,
            budget=Budget(ingest.redis, upstream=upstream, limits=limits),
            options=ClientOptions(
                timeout_s=settings.osdr_timeout_seconds, max_body_bytes=_MAX_BODY_BYTES
            ),
            clock=ingest.clock,
        )

    options = PollOptions(
        source=DATASETS,
        every=timedelta(seconds=settings.osdr_poll_seconds),
        jitter=0.05,
        min_gap=timedelta(seconds=min(_REFRESH_GAP_S, settings.osdr_poll_seconds)),
        # The period is hours long; a back-off from the first failure on brings the next try sooner.
        back_off=BackOff(threshold=1, base_s=settings.osdr_retry_seconds, cap_s=_LONGEST_PAUSE_S),
        only_changes=True,
    )
    fence = Fence(ingest.redis, DATASETS)
    live = Osdr(
        Biodata(client("osdr", str(settings.osdr_url), biodata.LIMITS)),
        StudySearch(client("osdr_search", str(settings.osdr_search_url), study_search.LIMITS)),
        Crawl(fence),
        pause=timedelta(seconds=settings.osdr_pause_seconds),
        clock=ingest.clock,
    )
    shipped = ShippedDatasets(Published(ingest.redis, DATASETS))
    return ingest.poller(options, live, shipped, fence=fence)
