"""`/api/v1/space/...`: pictures, asteroids, flares, mass ejections, launches."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from libs.common.events import Event
from tests.catalogue import apod_event, cme_event, flare_event, launch_event, neo_event
from tests.contract.clients import TOLD, assert_is_cacheable, fault, get, store, walk
from tests.gateways import Gateway
from tests.waiting import wait_until

SPACE = "/api/v1/space"
NOW = datetime.now(UTC).replace(microsecond=0)
LISTS: dict[str, tuple[str, Sequence[Event]]] = {
    "apod": ("picture_date", [apod_event(index) for index in range(12)]),
    "neo": ("neo_id", [neo_event(index) for index in range(25)]),
    "flares": ("flare_id", [flare_event(index) for index in range(12)]),
    "cmes": ("cme_id", [cme_event(index) for index in range(12)]),
    # Two at each time: the cursor must not lose one of a pair at a page's end.
    "launches": (
        "launch_id",
        [launch_event(index, NOW + timedelta(days=1 + index // 2)) for index in range(12)],
    ),
}


@pytest.mark.parametrize("name", LISTS)
async def test_pages_hold_every_row_once(gateway: Gateway, database_url: str, name: str) -> None:
    """By the links, in order, with all that they tell about themselves."""
    key, events = LISTS[name]
    await store(database_url, events)
    items = await walk(gateway, f"{SPACE}/{name}", limit="5")
    keys = [item[key] for item in items]
    assert len(keys) == len(set(keys)) == len(events)
    assert all(set(item) >= TOLD for item in items)
    assert not any("upstream_body" in item for item in items)
    times = [item["net" if name == "launches" else "time"] for item in items]
    assert times == sorted(times, reverse=name != "launches")
    await assert_is_cacheable(gateway, f"{SPACE}/{name}")


@pytest.mark.parametrize("name", LISTS)
async def test_one_thing_is_found_by_its_key(
    gateway: Gateway, database_url: str, name: str
) -> None:
    """The same as in the list; another key is 404."""
    key, events = LISTS[name]
    await store(database_url, events)
    item = (await get(gateway, f"{SPACE}/{name}", limit="1"))["items"][0]
    found = await get(gateway, f"{SPACE}/{name}/{item[key]}")
    assert found == ({"items": [item], "next": None} if name == "neo" else item)
    nothing = "1999-01-01" if name == "apod" else "nothing"
    assert (await fault(gateway, f"{SPACE}/{name}/{nothing}"))[0] == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("apod", {"from": "2026-03-03", "to": "2026-03-04"}, ["2026-03-04", "2026-03-03"]),
        ("apod", {"to": "2026-03-01"}, ["2026-03-01"]),
    ],
)
async def test_pictures_of_days(
    gateway: Gateway, database_url: str, path: str, params: dict[str, str], expected: list[str]
) -> None:
    """Both days are included, as people say it of days."""
    await store(database_url, LISTS["apod"][1])
    items = (await get(gateway, f"{SPACE}/{path}", **params))["items"]
    assert [item["picture_date"] for item in items] == expected


async def test_asteroids_that_are_hazardous(gateway: Gateway, database_url: str) -> None:
    """Every third; those of one day; the others."""
    await store(database_url, LISTS["neo"][1])
    path = f"{SPACE}/neo"
    assert len((await get(gateway, path, hazardous="true"))["items"]) == 9
    assert len((await get(gateway, path, hazardous="false"))["items"]) == 16
    day = {"from": "2026-03-02", "to": "2026-03-02"}
    assert len((await get(gateway, path, **day))["items"]) == 10


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ["X2.1", "M5.0", "M1.5", "C9.9"]),
        ({"class": "M"}, ["M5.0", "M1.5"]),
        ({"min_class": "M1.5"}, ["X2.1", "M5.0", "M1.5"]),
        ({"min_class": "X10"}, []),
        ({"from": "2026-03-01T13:00:00Z", "to": "2026-03-01T15:00:00Z"}, ["M5.0", "M1.5"]),
    ],
)
async def test_flares_of_a_class_or_as_strong(
    gateway: Gateway, database_url: str, params: dict[str, str], expected: list[str]
) -> None:
    """`class` is a letter, `min_class` a strength, which includes its own."""
    classes = ("C9.9", "M1.5", "M5.0", "X2.1")
    await store(database_url, [flare_event(index, text) for index, text in enumerate(classes)])
    items = (await get(gateway, f"{SPACE}/flares", **params))["items"]
    assert [item["class_type"] for item in items] == expected


async def test_fast_ejections(gateway: Gateway, database_url: str) -> None:
    """At least as fast as asked for."""
    await store(database_url, LISTS["cmes"][1])
    items = (await get(gateway, f"{SPACE}/cmes", min_speed_km_s="409"))["items"]
    assert [item["speed_km_s"] for item in items] == [411.0, 410.0, 409.0]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [2, 3, 4]),
        ({"when": "upcoming"}, [2, 3, 4]),
        ({"when": "past"}, [1, 0]),
        ({"when": "all"}, [4, 3, 2, 1, 0]),
        ({"provider": "arianespace"}, [3]),
        ({"when": "all", "provider": "ARIANESPACE"}, [3]),
    ],
)
async def test_launches_ahead_and_behind(
    gateway: Gateway, database_url: str, params: dict[str, str], expected: list[int]
) -> None:
    """The next first, or the last first."""
    await store(
        database_url,
        [
            launch_event(
                index,
                NOW + timedelta(days=index - 1.5),
                provider_name="Arianespace" if index == 3 else "SpaceX",
            )
            for index in range(5)
        ],
    )
    items = (await get(gateway, f"{SPACE}/launches", **params))["items"]
    assert [item["launch_id"] for item in items] == [f"launch-{index:03}" for index in expected]


WRONG = [
    ("apod", {"from": "yesterday"}, "from"),
    ("apod", {"from": "1772323200"}, "from"),
    ("flares", {"from": "1772323200"}, "from"),
    ("apod", {"from": "2026-03-02", "to": "2026-03-01"}, "from"),
    ("apod/today", {}, "day"),
    ("neo", {"hazardous": "perhaps"}, "hazardous"),
    ("flares", {"class": "Z"}, "class"),
    ("flares", {"min_class": "M"}, "min_class"),
    ("flares", {"letter": "M"}, "letter"),
    ("cmes", {"min_speed_km_s": "nan"}, "min_speed_km_s"),
    ("launches", {"when": "soon"}, "when"),
    ("launches", {"limit": "many"}, "limit"),
    ("launches", {"provider": "a\x00"}, "provider"),
    ("flares", {"cursor": "WyJmbGFyZXMiLDEsMl0"}, "cursor"),
]


async def test_a_wrong_parameter_is_named(gateway: Gateway) -> None:
    """422, and the field at fault."""
    for path, params, field in WRONG:
        assert await fault(gateway, f"{SPACE}/{path}", **params) == (
            HTTPStatus.UNPROCESSABLE_ENTITY,
            [field],
        )


async def test_an_event_makes_its_list_anew(gateway: Gateway, database_url: str) -> None:
    """A day of life ends when the next picture comes."""
    path = f"{SPACE}/apod"
    await store(database_url, [apod_event(0)])
    assert len((await get(gateway, path))["items"]) == 1
    await store(database_url, [apod_event(1)])
    assert len((await get(gateway, path))["items"]) == 1

    async def seen() -> bool:
        document: Any = await get(gateway, path)
        return len(document["items"]) == 2

    await gateway.publish([apod_event(1)])
    await wait_until(seen, 10, "the list with the new picture")
