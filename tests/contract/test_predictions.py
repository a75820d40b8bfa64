"""`iss/elements`, `iss/track`, `iss/passes`: what is known of the orbit, and what follows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from http import HTTPStatus

import pytest

from libs.common.broker import ensure_groups
from libs.common.clock import iso
from libs.common.runtime import Runtime
from services.ingest_iss.bootstrap import bootstrap
from services.ingest_iss.providers.shipped import shipped_elements
from services.ingest_iss.settings import IngestIssSettings
from tests.contract.clients import TOLD, fault, get, get_calendar, store, walk
from tests.factories import elements_event
from tests.gateways import Gateway, running_gateway
from tests.waiting import wait_until

NOBODY = "http://127.0.0.1:9"
START = shipped_elements().epoch
MOSCOW = {"lat": "55.7558", "lon": "37.6176"}
WINDOW = {"from": iso(START), "days": "3"}
PASSES, TRACK = "/api/v1/iss/passes", "/api/v1/iss/track"


@asynccontextmanager
async def ingest_iss(valkey_url: str) -> AsyncIterator[None]:
    """Run the service that predicts, without any network."""
    runtime = Runtime()
    settings = IngestIssSettings(
        redis_url=valkey_url, CASSIOPEIA_WHERETHEISS_URL=NOBODY, celestrak_url=NOBODY
    )
    async with bootstrap(settings, runtime):
        runtime.started()
        try:
            yield
        finally:
            runtime.stop.set()
    await runtime.finish()
    assert runtime.failure is None


@pytest.fixture
async def predicting(valkey_url: str, reader_database_url: str) -> AsyncIterator[Gateway]:
    """A gateway beside the service that predicts."""
    async with (
        ingest_iss(valkey_url),
        running_gateway(valkey_url, reader_database_url) as gateway,
    ):
        yield gateway


async def test_elements_are_in_pages_the_newest_first(gateway: Gateway, database_url: str) -> None:
    """Each once, with all that they tell about themselves."""
    await store(database_url, [elements_event(index) for index in range(10)])
    items = await walk(gateway, "/api/v1/iss/elements", limit="3")
    epochs = [item["epoch"] for item in items]
    assert len(epochs) == 10
    assert epochs == sorted(epochs, reverse=True)
    assert all(set(item) >= TOLD for item in items)
    window = {"from": epochs[4], "to": epochs[1]}
    some = await walk(gateway, "/api/v1/iss/elements", **window)
    assert [item["epoch"] for item in some] == epochs[2:5]


async def test_passes_over_a_place(predicting: Gateway) -> None:
    """Rise, culmination, set; from which elements; that they are computed."""
    document = await get(predicting, PASSES, **MOSCOW, **WINDOW)
    assert document["location"] == {"lat": 55.7558, "lon": 37.6176, "elevation_m": 0.0}
    assert set(document) >= TOLD
    assert (document["origin"], document["provider"]) == ("computed", "sgp4")
    assert document["elements"]["epoch"] == document["time"] == iso(START)
    assert (document["from"], document["to"]) == (iso(START), iso(START + timedelta(days=3)))
    items = document["items"]
    assert len(items) > 5
    for item in items:
        assert item["rise"]["time"] < item["culmination"]["time"] < item["set"]["time"]
        assert item["culmination"]["elevation_deg"] >= 10
    visible = await get(predicting, PASSES, visible="true", **MOSCOW, **WINDOW)
    assert visible["items"] == [item for item in items if item["visible"]]


async def test_the_ground_track(predicting: Gateway) -> None:
    """A point for every step, both ends included."""
    window = {"from": iso(START.replace(microsecond=0)), "duration_s": "600", "step_s": "60"}
    document = await get(predicting, TRACK, **window)
    assert len(document["points"]) == 11
    assert document["points"][0]["time"] == window["from"]
    assert set(document) >= TOLD


async def test_what_was_computed_once_is_kept(predicting: Gateway) -> None:
    """Two clients of one place, to 11 m, cost one computation."""
    first = await get(predicting, PASSES, **MOSCOW, **WINDOW)
    near = {"lat": "55.75583", "lon": "37.61762"}
    async with predicting.http.get(PASSES, params={**near, **WINDOW}) as response:
        assert response.headers["Cache-Status"].startswith("cassiopeia; hit")
        assert await response.json() == first


async def test_passes_as_a_calendar_keep_their_uids(predicting: Gateway) -> None:
    """An entry for each pass; read again, it is the same entry."""
    document = await get(predicting, PASSES, **MOSCOW, **WINDOW)
    calendar, events = await get_calendar(predicting, f"{PASSES}.ics", **MOSCOW, **WINDOW)
    assert calendar["x-wr-calname"] == "ISS over 55.7558° N 37.6176° E"
    assert calendar["refresh-interval"].dt == timedelta(hours=6)
    assert [event["dtstart"].dt for event in events] == [
        _second(item["rise"]["time"]) for item in document["items"]
    ]
    uids = [event["uid"] for event in events]
    assert len(set(uids)) == len(uids)
    # Asked for from an hour earlier on, the passes are the same, and so are their entries.
    earlier = {"from": iso(START - timedelta(hours=1)), "days": "3"}
    _, later = await get_calendar(predicting, f"{PASSES}.ics", **MOSCOW, **earlier)
    again = {event["uid"] for event in later}
    assert len(again & set(uids)) >= len(uids) - 1


def _second(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(microsecond=0)


WRONG = [
    (PASSES, {"lat": "55"}, "lon"),
    (PASSES, {"lat": "91", "lon": "0"}, "lat"),
    (PASSES, {"lat": "nan", "lon": "0"}, "lat"),
    (PASSES, {"lat": "0", "lon": "181"}, "lon"),
    (PASSES, {**MOSCOW, "days": "11"}, "days"),
    (PASSES, {**MOSCOW, "days": "0"}, "days"),
    (PASSES, {**MOSCOW, "min_elevation_deg": "90"}, "min_elevation_deg"),
    (PASSES, {**MOSCOW, "elevation_m": "inf"}, "elevation_m"),
    (PASSES, {**MOSCOW, "height": "3"}, "height"),
    (TRACK, {"step_s": "0.5"}, "step_s"),
    (TRACK, {"duration_s": "864000", "step_s": "60"}, "step_s"),
    (TRACK, {"from": "now"}, "from"),
]


async def test_a_wrong_parameter_is_named(gateway: Gateway) -> None:
    """422, and the field at fault; nobody is asked."""
    for path, params, field in WRONG:
        assert await fault(gateway, path, **params) == (HTTPStatus.UNPROCESSABLE_ENTITY, [field])


async def test_without_the_service_it_is_503_and_comes_back(
    valkey_url: str, reader_database_url: str
) -> None:
    """`Retry-After` says when; what was answered before is served, marked stale."""
    async with running_gateway(
        valkey_url, reader_database_url, question_wait_seconds=0.5
    ) as gateway:
        await ensure_groups(gateway.redis)
        async with gateway.http.get(PASSES, params={**MOSCOW, **WINDOW}) as response:
            assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
            assert int(response.headers["Retry-After"]) > 0
        async with ingest_iss(valkey_url):
            known = await get(gateway, PASSES, **MOSCOW, **WINDOW)
        # Newer elements make what is kept stale, and there is nobody to compute anew.
        await gateway.publish([elements_event()])

        async def is_stale() -> bool:
            async with gateway.http.get(PASSES, params={**MOSCOW, **WINDOW}) as response:
                assert await response.json() == known
                return response.headers["Cache-Status"].endswith("detail=stale")

        await wait_until(is_stale, 10, "the answer that is marked stale")


async def test_a_time_out_of_reach_is_refused_by_the_parameters_name(predicting: Gateway) -> None:
    """The service calls it `start`; the client has asked for `from`."""
    for path, params in ((PASSES, MOSCOW), (f"{PASSES}.ics", MOSCOW), (TRACK, {})):
        for year in ("1960", "1990", "2030", "2100"):
            query = {**params, "from": f"{year}-01-01T00:00:00Z"}
            assert await fault(predicting, path, **query) == (
                HTTPStatus.UNPROCESSABLE_ENTITY,
                ["from"],
            )


async def test_what_is_not_to_be_trusted_says_so(predicting: Gateway) -> None:
    """In the answers, and in the calendar, whose entries are tentative then."""
    near, far = WINDOW, {**WINDOW, "from": iso(START + timedelta(days=60))}
    for window, trusted, status in ((near, True, "CONFIRMED"), (far, False, "TENTATIVE")):
        document = await get(predicting, PASSES, **MOSCOW, **window)
        assert document["elements"]["trusted"] is trusted
        track = await get(predicting, TRACK, **{"from": window["from"]})
        assert track["elements"]["trusted"] is trusted
        _, events = await get_calendar(predicting, f"{PASSES}.ics", **MOSCOW, **window)
        assert {str(event["status"]) for event in events} == {status}
        assert all(("Do not rely" in event["description"]) is not trusted for event in events)
