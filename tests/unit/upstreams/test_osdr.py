"""The simulators of the repository have the documented shapes, and fail as they are told."""

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.upstreams.faults import Fault
from tests.upstreams.osdr import Osdr, OsdrSearch
from tests.upstreams.osdr_studies import Studies
from tests.upstreams.server import running

DETAIL = "/dataset/OSD-1/?format=json"
# Whoever waits longer than this waits for ever: nothing but a fault takes it.
_SHORT = ClientTimeout(total=0.3)


async def outcome(session: ClientSession, url: str) -> tuple[int, bytes] | None:
    """Return status and body; None when the connection broke."""
    try:
        async with session.get(url) as response:
            return response.status, await response.read()
    except ClientError:
        return None


async def test_the_listing_is_one_object_of_addresses(session: ClientSession) -> None:
    """No titles, no dates, and gaps between the numbers."""
    async with (
        running(Osdr(Studies.of(10))) as simulator,
        session.get(f"{simulator.url}/datasets/?format=json") as response,
    ):
        listing = await response.json()
    assert list(listing)[5:8] == ["OSD-6", "OSD-8", "OSD-9"]
    assert listing["OSD-6"] == {
        "REST_URL": "https://visualization.osdr.nasa.gov/biodata/api/v2/dataset/OSD-6/"
    }


@pytest.mark.parametrize("path", ["/datasets/", "/dataset/OSD-1/?format=html"])
async def test_whoever_does_not_ask_for_json_gets_a_page(session: ClientSession, path: str) -> None:
    """The tree is content-negotiated."""
    async with (
        running(Osdr(Studies.of(1))) as simulator,
        session.get(simulator.url + path) as response,
    ):
        assert (response.status, response.content_type) == (200, "text/html")


async def test_details_are_conditional(session: ClientSession) -> None:
    """The same ETag gets 304, until the study is revised; unknown studies get 404."""
    async with running(Osdr(Studies.of(1))) as simulator:
        async with session.get(simulator.url + DETAIL) as response:
            headers = {"If-None-Match": response.headers["ETag"]}
        async with session.get(simulator.url + DETAIL, headers=headers) as response:
            assert (response.status, await response.read()) == (304, b"")
        simulator.studies.revise(1)
        async with session.get(simulator.url + DETAIL, headers=headers) as response:
            assert response.status == 200
        assert (simulator.conditional, simulator.not_modified) == (2, 1)
        unknown = simulator.url + "/dataset/OSD-9/?format=json"
        assert (await outcome(session, unknown) or (0,))[0] == 404


async def test_the_search_gives_at_most_twenty_five(session: ClientSession) -> None:
    """Elasticsearch's envelope, Title Case keys, dates as seconds."""
    async with (
        running(OsdrSearch(Studies.of(30))) as simulator,
        session.get(f"{simulator.url}/search?term=&from=1&size=100&type=cgene") as response,
    ):
        hits = (await response.json())["hits"]
    assert (hits["total"], len(hits["hits"])) == (30, 5)
    source = hits["hits"][0]["_source"]
    assert source["Accession"] == "OSD-30"
    assert isinstance(source["Study Public Release Date"], float)


@pytest.mark.parametrize("fault", sorted(set(Fault) - Osdr.inapplicable))
async def test_every_fault_of_the_biodata_api_shows(session: ClientSession, fault: Fault) -> None:
    """No fault leaves a normal answer, or none but the repeated one, and each ends."""
    async with running(Osdr(Studies.of(1))) as simulator:
        healthy = await outcome(session, simulator.url + DETAIL)
        simulator.fault = fault
        simulator.huge_body_bytes = 100_000
        if fault in (Fault.HANG, Fault.SLOW_BODY):
            with pytest.raises(TimeoutError):
                await _impatiently(session, simulator.url + DETAIL)
        else:
            shown = await outcome(session, simulator.url + DETAIL)
            assert (shown == healthy) is (fault is Fault.FROZEN)
        simulator.fault = None
        assert await outcome(session, simulator.url + DETAIL) == healthy


async def _impatiently(session: ClientSession, url: str) -> None:
    async with session.get(url, timeout=_SHORT) as response:
        await response.read()
