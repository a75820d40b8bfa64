"""Wires ingest_space: four sources of api.nasa.gov with one budget, and the launches."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from libs.common.breaker import BackOff
from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.polling.budget import Budget, Limit
from libs.common.polling.ingest import Ingest, ingesting
from libs.common.polling.poller import Poller, PollOptions
from libs.common.runtime import Runtime
from libs.common.upstream.client import ClientOptions, UpstreamClient
from services.ingest_space.providers import launchlibrary, nasa
from services.ingest_space.providers.apod import Apod
from services.ingest_space.providers.donki import Ejections, Flares
from services.ingest_space.providers.launchlibrary import LaunchLibrary
from services.ingest_space.providers.nasa import NasaApi, NasaBudget
from services.ingest_space.providers.neows import NeoWs
from services.ingest_space.settings import DEMO_KEY, IngestSpaceSettings

APOD = "apod"
ASTEROIDS = "neo"
FLARES = "flares"
EJECTIONS = "cmes"
LAUNCHES = "launches"

_BACK_OFF = BackOff(threshold=1, base_s=60.0, cap_s=1_800.0)
# With this back-off, four sources that fail for a day make 48 of DEMO_KEY's 50 calls.
_DEMO_BACK_OFF = BackOff(threshold=1, base_s=900.0, cap_s=14_400.0)
_LAUNCHES_BACK_OFF = BackOff(threshold=1, base_s=300.0, cap_s=3_600.0)
# A poll usually takes four calls, so three polls an hour stay below the limit of 15.
_LAUNCHES_GAP = timedelta(minutes=20)
_GAP = timedelta(minutes=5)


@asynccontextmanager
async def bootstrap(
    settings: IngestSpaceSettings, runtime: Runtime, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[None]:
    """Run the service; `clock` replaces the machine's."""

    def build(ingest: Ingest) -> Sequence[Poller]:
        return [*_nasa(settings, ingest), _launches(settings, ingest)]

    async with ingesting("ingest_space", settings, runtime, build, clock):
        yield


def _nasa(settings: IngestSpaceSettings, ingest: Ingest) -> Sequence[Poller]:
    api = NasaApi(_nasa_client(settings, ingest))

    def options(source: str, period_s: float, new_within_days: float | None = None) -> PollOptions:
        every = timedelta(seconds=period_s)
        return PollOptions(
            source=source,
            every=every,
            jitter=0.05,
            # With DEMO_KEY, refreshes must not use up the calls that all users of the address
            # share.
            min_gap=min(every, _GAP) if settings.has_nasa_key else every,
            back_off=_BACK_OFF if settings.has_nasa_key else _DEMO_BACK_OFF,
            only_changes=True,
            expect_new_within=timedelta(days=new_within_days) if new_within_days else None,
        )

    return [
        # There is one picture a day, but the service has paused over a weekend before.
        ingest.poller(options(APOD, settings.apod_poll_seconds, 4), Apod(api, ingest.clock)),
        # Some asteroid passes every day.
        ingest.poller(
            options(ASTEROIDS, settings.neo_poll_seconds, settings.neo_days + 2),
            NeoWs(api, settings.neo_days, ingest.clock),
        ),
        # The Sun may be quiet for weeks.
        ingest.poller(
            options(FLARES, settings.donki_poll_seconds),
            Flares(api, settings.donki_days, ingest.clock),
        ),
        ingest.poller(
            options(EJECTIONS, settings.donki_poll_seconds),
            Ejections(api, settings.donki_days, ingest.clock),
        ),
    ]


def _nasa_client(settings: IngestSpaceSettings, ingest: Ingest) -> UpstreamClient:
    key = settings.nasa_api_key.get_secret_value()
    if settings.has_nasa_key:
        budget = NasaBudget(ingest.redis, upstream="api.nasa.gov", limits=nasa.KEY_LIMITS)
    else:
        # Counted separately: a key set later must not wait because DEMO_KEY is used up.
        budget = NasaBudget(ingest.redis, upstream="api.nasa.gov/demo", limits=nasa.DEMO_LIMITS)
    return UpstreamClient(
        ingest.session,
        base_url=str(settings.nasa_url),
        budget=budget,
        options=ClientOptions(
            timeout_s=settings.nasa_timeout_seconds,
            # Eight days of asteroids take 300 KiB, a month of ejections at solar maximum 2 MiB.
            max_body_bytes=8 * 1024 * 1024,
            headers={"X-Api-Key": key if settings.has_nasa_key else DEMO_KEY},
            secrets=(key,) if settings.has_nasa_key else (),
        ),
        clock=ingest.clock,
    )


def _launches(settings: IngestSpaceSettings, ingest: Ingest) -> Poller:
    token = settings.launchlibrary_token.get_secret_value()
    client_options = ClientOptions(
        timeout_s=settings.launchlibrary_timeout_seconds,
        # A page of a hundred launches takes about 800 KiB.
        max_body_bytes=8 * 1024 * 1024,
        headers={"Authorization": f"Token {token}"} if token else {},
        secrets=(token,) if token else (),
    )

    def client(upstream: str, limits: Sequence[Limit]) -> UpstreamClient:
        return UpstreamClient(
            ingest.session,
            base_url=str(settings.launchlibrary_url),
            budget=Budget(ingest.redis, upstream=upstream, limits=limits),
            options=client_options,
            clock=ingest.clock,
        )

    every = timedelta(seconds=settings.launches_poll_seconds)
    options = PollOptions(
        source=LAUNCHES,
        every=every,
        jitter=0.05,
        min_gap=min(every, _LAUNCHES_GAP),
        back_off=_LAUNCHES_BACK_OFF,
        only_changes=True,
        # Some record of the library changes every hour.
        expect_new_within=timedelta(days=7),
    )
    return ingest.poller(
        options,
        LaunchLibrary(
            client("launchlibrary", launchlibrary.LIMITS),
            client("launchlibrary/throttle", launchlibrary.THROTTLE_LIMITS),
        ),
    )
