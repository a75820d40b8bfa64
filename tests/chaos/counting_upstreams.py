"""Every simulator, with an address per replica: what was called, by whom, and how much at once."""

import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus

from aiohttp import web

from libs.common.polling.budget import Limit
from services.ingest_astro.providers import astronomyapi
from services.ingest_iss.providers import celestrak
from services.ingest_jwst.providers import jwstapi, mast
from services.ingest_osdr.providers import biodata, study_search
from services.ingest_osdr.providers.osdr import CONCURRENCY
from services.ingest_space.providers import nasa
from tests.chaos.scenario import Report
from tests.upstreams.astronomyapi import AstronomyApi
from tests.upstreams.base import Simulator
from tests.upstreams.celestrak import Celestrak
from tests.upstreams.faults import Fault
from tests.upstreams.jwstapi import JwstApi
from tests.upstreams.launchlibrary import LaunchLibrary
from tests.upstreams.mast import Mast
from tests.upstreams.nasa import Nasa
from tests.upstreams.osdr import Osdr, OsdrSearch
from tests.upstreams.osdr_studies import Studies
from tests.upstreams.server import LOOPBACK
from tests.upstreams.wheretheiss import WhereTheIss

# A crawl of so many takes a quarter of a minute, so that several are interrupted.
STUDIES = 60
_SOURCE_OF = {
    "wheretheiss": "iss",
    "celestrak": "iss_elements",
    "osdr": "osdr",
    "osdr_search": "osdr",
    "mast": "jwst",
    "jwstapi": "jwst",
    "astronomyapi": "astro",
    "launchlibrary": "launches",
    "planetary/apod": "apod",
    "neo/rest/v1/feed": "neo",
    "DONKI/FLR": "flares",
    "DONKI/CME": "cmes",
}
# The others are called by one poller, one call at a time; api.nasa.gov by four.
_AT_ONCE = {"osdr": CONCURRENCY, "nasa": 4}
# The limits that the suite keeps. That of one call a second is left to the simulator, which knows
# that calls a second apart may arrive closer to each other.
_BUDGETS: Mapping[str, tuple[Limit, ...]] = {
    "celestrak": celestrak.LIMITS,
    "osdr": biodata.LIMITS,
    "osdr_search": study_search.LIMITS,
    "mast": mast.LIMITS,
    "jwstapi": jwstapi.LIMITS,
    "astronomyapi": astronomyapi.LIMITS,
    "nasa": nasa.DEMO_LIMITS,
}
_REFUSALS = (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)


class CountingUpstreams:
    """All upstreams, which know the replica that calls by the path that it was told.

    Attributes:
        simulators: All of them.
        overlaps: By source, how often a replica called while another's call was under way.
    """

    def __init__(self) -> None:
        self._studies = Studies.of(STUDIES)
        self._astronomyapi = AstronomyApi()
        self._jwstapi = JwstApi()
        # At first its stand-in MAST has to do the work; see `recover`.
        self._jwstapi.envelope_status = 500
        self.simulators: list[Simulator] = [
            WhereTheIss(),
            Celestrak(),
            self._astronomyapi,
            Osdr(self._studies),
            OsdrSearch(self._studies),
            Mast(),
            self._jwstapi,
            LaunchLibrary(),
            Nasa(),
        ]
        self.overlaps: Counter[str] = Counter()
        self._calling: dict[str, list[int]] = defaultdict(list)
        self._address = ""

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return sum(each.calls for each in self.simulators)

    @property
    def violations(self) -> int:
        """How many calls were more than an upstream's own limit allows."""
        return sum(each.log.violations for each in self.simulators)

    def environment(self, replica: int) -> dict[str, str]:
        """Return the settings that lead a replica here, with its credentials."""
        addresses = {
            each.setting: f"{self._address}/{replica}/{each.name}{each.root}"
            for each in self.simulators
        }
        return addresses | {
            "CASSIOPEIA_JWSTAPI_KEY": self._jwstapi.key,
            "CASSIOPEIA_ASTRONOMYAPI_ID": self._astronomyapi.application_id,
            "CASSIOPEIA_ASTRONOMYAPI_SECRET": self._astronomyapi.secret,
        }

    def move_on(self, choose: random.Random) -> None:
        """Revise a study, so that there is something to publish."""
        self._studies.revise(choose.choice(self._studies.numbers))

    def recover(self) -> None:
        """Let jwstapi.com answer."""
        self._jwstapi.envelope_status = None

    @contextmanager
    def failing(self, source: str, fault: Fault) -> Iterator[None]:
        """Let the upstreams of a source fail while the body runs."""
        named = [each for each in self.simulators if _SOURCE_OF.get(each.name) == source]
        chosen = named or [each for each in self.simulators if each.name == "nasa"]
        for simulator in chosen:
            simulator.fault = fault
        try:
            yield
        finally:
            for simulator in chosen:
                simulator.fault = None

    def caller(self, source: str) -> int | None:
        """Return the replica whose call for a source is under way; None when there is none."""
        return next(iter(self._calling[source]), None)

    def judge(self, report: Report) -> None:
        """Check what was counted."""
        logs = {each.name: each.log for each in self.simulators}
        over = {name: log.violations for name, log in logs.items() if log.violations}
        report.check("no upstream counted a call beyond its limits: violations", over, {})
        report.check("no budget was exceeded: most calls", self._over_budget(), {})
        refused = Counter(
            name for name, log in logs.items() for call in log.calls if call.status in _REFUSALS
        )
        report.check("no upstream refused a call: refused", dict(refused), {})
        report.check("no two replicas called for one source at once", dict(self.overlaps), {})
        crowded = {
            name: log.max_in_flight
            for name, log in logs.items()
            if log.max_in_flight > _AT_ONCE.get(name, 1)
        }
        report.check("no more calls at once than are meant to be: most", crowded, {})
        silent = [name for name, log in logs.items() if not log.calls]
        report.check("every upstream was called: others", silent, [])
        counts = (f"{name} {len(log.calls):,}" for name, log in logs.items())
        report.remarks.append(f"calls: {', '.join(counts)}")

    def _over_budget(self) -> dict[str, int]:
        return {
            each.name: most
            for each in self.simulators
            for limit in _BUDGETS.get(each.name, ())
            if (most := each.max_calls_in(limit.period_s)) > limit.calls
        }

    def application(self, replicas: int) -> web.Application:
        """Return the server of all upstreams for so many replicas."""
        application = web.Application()
        for simulator in self.simulators:
            for replica in range(replicas):
                path = f"/{replica}/{simulator.name}{simulator.root}/{{path:.*}}"
                application.router.add_route("*", path, self._door(simulator, replica))
        return application

    def serve_at(self, address: str) -> None:
        """Note where they are served."""
        self._address = address

    def _door(
        self, simulator: Simulator, replica: int
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def enter(request: web.Request) -> web.StreamResponse:
            path = request.match_info["path"]
            source = _SOURCE_OF.get(simulator.name) or _SOURCE_OF[path]
            calling = self._calling[source]
            if any(other != replica for other in calling):
                self.overlaps[source] += 1
            calling.append(replica)
            try:
                return await simulator.handle(request)
            finally:
                calling.remove(replica)

        return enter


@asynccontextmanager
async def counting_upstreams(replicas: int) -> AsyncIterator[CountingUpstreams]:
    """Serve all upstreams to so many replicas while the body runs."""
    upstreams = CountingUpstreams()
    # A call whose client was killed must not stay under way.
    runner = web.AppRunner(
        upstreams.application(replicas),
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=1,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, 0).start()
        upstreams.serve_at(f"http://{LOOPBACK}:{runner.addresses[0][1]}")
        yield upstreams
    finally:
        for simulator in upstreams.simulators:
            simulator.release()
        await runner.cleanup()
