"""Wires ingest_astro: one source, computed; with a key, AstronomyAPI comes first."""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from libs.common.breaker import BackOff
from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.polling.budget import Budget
from libs.common.polling.fence import Fence
from libs.common.polling.ingest import Ingest, ingesting
from libs.common.polling.poller import Poller, PollOptions
from libs.common.requests import Worker, answering
from libs.common.runtime import Runtime
from libs.common.upstream.client import ClientOptions, UpstreamClient
from services.ingest_astro.answering import SkyDesk
from services.ingest_astro.known import KnownEvents
from services.ingest_astro.providers import astronomyapi
from services.ingest_astro.providers.astronomyapi import AstronomyApi
from services.ingest_astro.providers.computed import ComputedEvents
from services.ingest_astro.settings import IngestAstroSettings

EVENTS = "astro"

# AstronomyAPI sometimes answers 403 to valid credentials for hours; meanwhile the computed events
# say the same.
_BACK_OFF = BackOff(threshold=1, base_s=600.0, cap_s=21_600.0)
# How soon a restart or a refresh may ask again: one call an hour is no abuse, and a computation
# without a call costs two seconds.
_MIN_GAP_LIVE = timedelta(hours=1)
_MIN_GAP_COMPUTED = timedelta(minutes=1)
_SHORTEST_SECRET = 6


@asynccontextmanager
async def bootstrap(
    settings: IngestAstroSettings, runtime: Runtime, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[None]:
    """Run the service; `clock` replaces the machine's."""
    # Two threads, so that questions and polls do not delay each other.
    with Worker() as polling, Worker() as asked:

        def build(ingest: Ingest) -> Sequence[Poller]:
            return [_events(settings, ingest, polling)]

        async with (
            ingesting("ingest_astro", settings, runtime, build, clock) as connection,
            answering(connection, runtime, SkyDesk(asked, clock).desks(), clock),
        ):
            yield


def _events(settings: IngestAstroSettings, ingest: Ingest, worker: Worker) -> Poller:
    fence = Fence(ingest.redis, EVENTS)
    computed = ComputedEvents(settings.observers, KnownEvents(fence), worker, ingest.clock)
    live = settings.has_credentials and bool(settings.observers)
    options = PollOptions(
        source=EVENTS,
        every=timedelta(seconds=settings.astro_poll_seconds),
        jitter=0.05,
        min_gap=_MIN_GAP_LIVE if live else _MIN_GAP_COMPUTED,
        back_off=_BACK_OFF,
        only_changes=True,
        keep_last=True,
        # A restart may have brought new places, which must not wait for a day.
        poll_at_start=True,
    )
    if live:
        api = AstronomyApi(_client(settings, ingest), computed, settings.observers, ingest.clock)
        return ingest.poller(options, api, computed, fence=fence)
    return ingest.poller(options, computed, fence=fence)


def _client(settings: IngestAstroSettings, ingest: Ingest) -> UpstreamClient:
    id_ = settings.astronomyapi_id.get_secret_value()
    secret = settings.astronomyapi_secret.get_secret_value()
    token = base64.b64encode(f"{id_}:{secret}".encode()).decode()
    return UpstreamClient(
        ingest.session,
        base_url=str(settings.astronomyapi_url),
        budget=Budget(ingest.redis, upstream="astronomyapi", limits=astronomyapi.LIMITS),
        # One body's events of a year take 2 KiB.
        options=ClientOptions(
            timeout_s=20.0,
            max_body_bytes=1024 * 1024,
            attempts=2,
            headers={"Authorization": f"Basic {token}"},
            # Masking a secret of two letters would garble every body.
            secrets=[text for text in (token, secret, id_) if len(text) >= _SHORTEST_SECRET],
        ),
        clock=ingest.clock,
    )
