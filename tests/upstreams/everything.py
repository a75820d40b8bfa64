"""Every simulator, for what runs the whole suite against them."""

from tests.upstreams.archives import Archives
from tests.upstreams.astronomyapi import AstronomyApi
from tests.upstreams.base import Simulator
from tests.upstreams.celestrak import Celestrak
from tests.upstreams.jwstapi import JwstApi
from tests.upstreams.launchlibrary import LaunchLibrary
from tests.upstreams.mast import Mast
from tests.upstreams.nasa import Nasa
from tests.upstreams.osdr import Osdr, OsdrSearch
from tests.upstreams.osdr_studies import Studies
from tests.upstreams.wheretheiss import WhereTheIss


def every_simulator(*, enforce_limits: bool = False) -> list[Simulator]:
    """Return one simulator of each upstream, not yet running."""
    studies = Studies.of(627)
    return [
        WhereTheIss(enforce_limits=enforce_limits),
        Celestrak(enforce_limits=enforce_limits),
        AstronomyApi(enforce_limits=enforce_limits),
        Osdr(studies, enforce_limits=enforce_limits),
        OsdrSearch(studies, enforce_limits=enforce_limits),
        Mast(enforce_limits=enforce_limits),
        Archives(enforce_limits=enforce_limits),
        JwstApi(enforce_limits=enforce_limits),
        LaunchLibrary(enforce_limits=enforce_limits),
        Nasa(enforce_limits=enforce_limits),
    ]
