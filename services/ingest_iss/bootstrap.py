"""Wires ingest_iss: two sources, each with a provider and a stand-in, and answers to questions."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from libs.common.breaker import BackOff
from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.polling.budget import Budget
from libs.common.polling.ingest import Ingest, ingesting
from libs.common.polling.poller import Poller, PollOptions
from libs.common.polling.published import LastAnswer
from libs.common.requests import Worker, answering
from libs.common.runtime import Runtime
from libs.common.upstream.client import ClientOptions, UpstreamClient
from services.ingest_iss.answering import StationDesk
from services.ingest_iss.providers import celestrak, wheretheiss
from services.ingest_iss.providers.celestrak import Celestrak
from services.ingest_iss.providers.computed import ComputedPosition
from services.ingest_iss.providers.shipped import ShippedElements
from services.ingest_iss.providers.wheretheiss import WhereTheIss
from services.ingest_iss.settings import MIN_ELEMENTS_PERIOD_S, IngestIssSettings

POSITIONS = "iss"
ELEMENTS = "iss_elements"

_POSITIONS_BACK_OFF = BackOff(threshold=3, base_s=10.0, cap_s=60.0)
# Celestrak counts errors against us, so pause from the first one, up to its own period.
_ELEMENTS_BACK_OFF = BackOff(threshold=1, base_s=300.0, cap_s=MIN_ELEMENTS_PERIOD_S)


@asynccontextmanager
async def bootstrap(
    settings: IngestIssSettings, runtime: Runtime, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[None]:
    """Run the service; `clock` replaces the machine's."""

    def build(ingest: Ingest) -> Sequence[Poller]:
        elements = LastAnswer(ingest.redis, ELEMENTS)
        return [_positions(settings, ingest, elements), _elements(settings, ingest, elements)]

    async with ingesting("ingest_iss", settings, runtime, build, clock) as connection:
        with Worker() as worker:
            station = StationDesk(
                connection.redis,
                worker,
                source=ELEMENTS,
                max_age=timedelta(days=settings.iss_elements_max_age_days),
                clock=clock,
            )
            async with answering(connection, runtime, station.desks(), clock):
                yield


def _positions(settings: IngestIssSettings, ingest: Ingest, elements: LastAnswer) -> Poller:
    client = UpstreamClient(
        ingest.session,
        base_url=str(settings.wheretheiss_url),
        budget=Budget(ingest.redis, upstream="wheretheiss", limits=wheretheiss.LIMITS),
        # A real body is 350 bytes long.
        options=ClientOptions(
            timeout_s=settings.iss_timeout_seconds,
            connect_timeout_s=settings.iss_timeout_seconds,
            max_body_bytes=64 * 1024,
        ),
        clock=ingest.clock,
    )
    options = PollOptions(
        source=POSITIONS,
        every=timedelta(seconds=settings.iss_poll_seconds),
        jitter=0.05,
        min_gap=timedelta(seconds=1),
        back_off=_POSITIONS_BACK_OFF,
    )
    return ingest.poller(
        options,
        WhereTheIss(client, timedelta(seconds=settings.iss_stale_seconds)),
        ComputedPosition(
            elements, timedelta(days=settings.iss_elements_max_age_days), ingest.clock
        ),
    )


def _elements(settings: IngestIssSettings, ingest: Ingest, known: LastAnswer) -> Poller:
    client = UpstreamClient(
        ingest.session,
        base_url=str(settings.celestrak_url),
        budget=Budget(ingest.redis, upstream="celestrak", limits=celestrak.LIMITS),
        # One record is 500 bytes long; it becomes part of an entry, which may have 64 KiB.
        options=ClientOptions(timeout_s=20.0, max_body_bytes=64 * 1024),
        clock=ingest.clock,
    )
    options = PollOptions(
        source=ELEMENTS,
        every=timedelta(seconds=settings.iss_elements_seconds),
        jitter=0.05,
        min_gap=timedelta(seconds=settings.iss_elements_seconds),
        back_off=_ELEMENTS_BACK_OFF,
        only_changes=True,
        keep_last=True,
        # New sets appear one to three times a day.
        expect_new_within=timedelta(days=3),
    )
    return ingest.poller(options, Celestrak(client, known), ShippedElements(known, ingest.clock))
