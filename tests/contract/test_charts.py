"""`iss/positions?points=`: min, avg and max of buckets, from whichever rows will do."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from libs.common.clock import iso
from libs.common.events import Origin, Provenance
from tests.contract.clients import assert_is_cacheable, fault, get, store
from tests.factories import LIVE, START, elements_event, position_event
from tests.gateways import Gateway

POSITIONS = "/api/v1/iss/positions"


async def chart(gateway: Gateway, length: timedelta, points: int) -> Any:
    """Return a chart from START on."""
    window = {"from": iso(START), "to": iso(START + length)}
    return await get(gateway, POSITIONS, points=str(points), **window)


@pytest.mark.parametrize(
    ("step", "grain"),
    [
        (timedelta(seconds=1), "raw"),
        (timedelta(minutes=1), "minute"),
        (timedelta(hours=1), "hour"),
    ],
)
async def test_a_bucket_has_the_extent_of_its_rows_and_a_gap_stays_one(
    gateway: Gateway, database_url: str, step: timedelta, grain: str
) -> None:
    """Four rows in each of ten buckets, but none in the fourth; the same from every grain."""
    computed = Provenance("sgp4", Origin.COMPUTED, START)
    events = [
        position_event(
            time=START + (bucket * 10 + row) * step,
            altitude_km=400.0 + bucket + row,
            velocity_kmh=27_000.0 + row,
            latitude_deg=float(row),
            longitude_deg=10.0 * row,
            provenance=computed if row == 3 else LIVE,
        )
        for bucket in range(10)
        for row in range(4)
        if bucket != 3
    ]
    await store(database_url, events)
    document = await chart(gateway, 100 * step, 10)
    assert (document["grain"], document["bucket_s"]) == (grain, 10 * step.total_seconds())
    assert (document["from"], document["to"]) == (iso(START), iso(START + 100 * step))
    buckets = document["buckets"]
    assert [bucket["time"] for bucket in buckets] == [
        iso(START + index * 10 * step) for index in range(10)
    ]
    for index, bucket in enumerate(buckets):
        if index == 3:
            assert bucket["samples"] == 0
            assert all(bucket[name] is None for name in bucket if name not in _COUNTS)
            continue
        assert (bucket["samples"], bucket["computed_samples"]) == (4, 1)
        assert bucket["altitude_km"] == {
            "min": 400.0 + index,
            "avg": 401.5 + index,
            "max": 403.0 + index,
        }
        assert bucket["velocity_kmh"] == {"min": 27_000.0, "avg": 27_001.5, "max": 27_003.0}
        assert bucket["latitude_deg"] == {"min": 0.0, "avg": 1.5, "max": 3.0}
        assert (bucket["last_latitude_deg"], bucket["last_longitude_deg"]) == (3.0, 30.0)
        assert bucket["last_time"] == iso(START + (index * 10 + 3) * step)


_COUNTS = {"time", "samples", "computed_samples"}


async def test_a_chart_of_nothing_is_all_gaps(gateway: Gateway) -> None:
    """A year in which nothing was known has its points all the same."""
    document = await chart(gateway, timedelta(days=365), 500)
    assert 480 <= len(document["buckets"]) <= 500
    assert {bucket["samples"] for bucket in document["buckets"]} == {0}


async def test_a_chart_without_an_end_reaches_to_now(gateway: Gateway) -> None:
    """`to` is the present by default."""
    document = await get(gateway, POSITIONS, points="10", **{"from": iso(START)})
    assert len(document["buckets"]) <= 10
    assert document["to"] > document["from"]


WRONG = [
    ({"points": "1", "from": "2026-03-01T00:00:00Z"}, "points"),
    ({"points": "5001", "from": "2026-03-01T00:00:00Z"}, "points"),
    ({"points": "10"}, "from"),
    ({"points": "10", "from": "2990-03-01T00:00:00Z"}, "from"),
    ({"points": "10", "from": "2026-03-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, "from"),
    ({"points": "10", "from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, "from"),
    ({"points": "10", "from": "0001-01-01T00:00:00+14:00"}, "from"),
    ({"points": "10", "from": "2026-03-01T00:00:00Z", "limit": "5"}, "limit"),
    ({"points": "10", "from": "2026-03-01T00:00:00Z", "cursor": "abc"}, "cursor"),
    ({"points": "10", "from": "2026-03-01T00:00:00Z", "order": "asc"}, "order"),
]


async def test_a_chart_that_makes_no_sense_is_refused(gateway: Gateway) -> None:
    """422, and the field at fault."""
    for params, field in WRONG:
        assert await fault(gateway, POSITIONS, **params) == (
            HTTPStatus.UNPROCESSABLE_ENTITY,
            [field],
        )


async def test_charts_and_elements_are_cacheable(gateway: Gateway, database_url: str) -> None:
    """As every answer is."""
    await store(database_url, [elements_event(index) for index in range(5)])
    window = {"from": iso(START), "to": iso(START + timedelta(days=1))}
    await assert_is_cacheable(gateway, POSITIONS, points="50", **window)
    await assert_is_cacheable(gateway, "/api/v1/iss/elements")
