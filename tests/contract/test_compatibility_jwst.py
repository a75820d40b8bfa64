"""The JWST gallery of the earlier systems: `/api/jwst/feed`."""

from collections.abc import AsyncIterator

import pytest

from tests.catalogue import image_event
from tests.contract.clients import get, store
from tests.gateways import Gateway, running_gateway

PATHS = ("/api/jwst/feed", "/api/v1/jwst/feed")
COUNT = 70
FEEDS = {
    "": ("all/type/jpg", 24),
    "source=jpg&suffix=_s3d&program=77": ("all/type/jpg", 24),
    "source=else": ("all/type/jpg", 24),
    "source=suffix&suffix=_s3d": ("all/suffix/_s3d", 10),
    "source=suffix&suffix=/_s3d": ("all/suffix/_s3d", 10),
    "source=suffix&suffix=s3d": ("all/suffix/s3d", 10),
    "source=suffix&suffix=": ("all/type/jpg", 24),
    "source=suffix&suffix=_none": ("all/suffix/_none", 0),
    "source=suffix&suffix=%00'--": ("all/suffix/\0'--", 0),
    "source=program&program=77": ("program/id/77", 10),
    "source=program&program=00077": ("program/id/00077", 10),
    "source=program&program=": ("all/type/jpg", 24),
    "source=program&program=a/b": ("program/id/a%2Fb", 0),
    "source=program&program=99999999999": ("program/id/99999999999", 0),
    "instrument=miri": ("all/type/jpg", 10),
    "instrument=NIRCAM&perPage=60": ("all/type/jpg", 60),
    "instrument=hubble": ("all/type/jpg", 0),
    "source=program&program=77&instrument=nircam": ("program/id/77", 0),
    "perPage=60": ("all/type/jpg", 60),
    "perPage=61": ("all/type/jpg", 60),
    "perPage=0": ("all/type/jpg", 1),
    "perPage=many": ("all/type/jpg", 24),
    "perPage=60&page=2": ("all/type/jpg", 10),
    "page=4": ("all/type/jpg", 0),
    "page=0": ("all/type/jpg", 24),
    "page=99999999999999999999": ("all/type/jpg", 0),
}


@pytest.fixture
async def gallery(
    valkey_url: str, database_url: str, reader_database_url: str
) -> AsyncIterator[Gateway]:
    """A gateway beside 70 images, 10 of them spectra of MIRI from program 77."""
    events = [image_event(index) for index in range(COUNT - 10)]
    for index in range(COUNT - 10, COUNT):
        stem = f"jw00077-o001_t{index:03}_miri_ch1-short_s3d"
        events.append(
            image_event(
                index,
                image_id=stem,
                observation_id=stem.removesuffix("_s3d"),
                program=77,
                suffix="_s3d",
                instruments=["MIRI", "NIRSpec"],
            )
        )
    await store(database_url, events)
    async with running_gateway(valkey_url, reader_database_url) as running:
        yield running


@pytest.mark.parametrize("path", PATHS)
async def test_a_feed_before_any_data_is_empty(gateway: Gateway, path: str) -> None:
    """With the path that it stands for, and a count."""
    assert await get(gateway, path) == {"source": "all/type/jpg", "count": 0, "items": []}


async def test_names_and_types_of_an_item(gallery: Gateway) -> None:
    """Instruments in capitals, and a caption made of the parts."""
    [item] = (await get(gallery, "/api/jwst/feed?unknown=1&perPage=1"))["items"]
    image = image_event(COUNT - 1).data
    stem = "jw00077-o001_t069_miri_ch1-short"
    assert item == {
        "url": image.image_url,
        "obs": stem,
        "program": "77",
        "suffix": "_s3d",
        "inst": ["MIRI", "NIRSPEC"],
        "caption": f"{stem} · P77 · _s3d · MIRI/NIRSPEC",
        "link": image.image_url,
    }


async def test_sources_filters_pages_and_limits(gallery: Gateway) -> None:
    """24 by default, 1 to 60; nothing that a client sends is an error."""
    for query, (source, count) in FEEDS.items():
        for path in PATHS:
            document = await get(gallery, f"{path}?{query}")
            assert document.keys() == {"source", "count", "items"}
            assert document["source"] == source
            assert document["count"] == len(document["items"]) == count, query


async def test_pages_have_every_image_once_the_newest_first(gallery: Gateway) -> None:
    """Across the pages."""
    pages = [await get(gallery, f"/api/jwst/feed?perPage=25&page={page}") for page in (1, 2, 3)]
    links = [item["obs"].partition("_t")[2][:3] for page in pages for item in page["items"]]
    assert links == [f"{index:03}" for index in reversed(range(COUNT))]
