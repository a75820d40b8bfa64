"""`/api/v1/jwst/images`: the gallery, searched and filtered."""

from datetime import timedelta
from http import HTTPStatus

from libs.common.clock import iso
from libs.common.events import JwstImage, JwstImageEvent, Origin, Provenance
from tests.catalogue import image_event
from tests.contract.clients import TOLD, assert_is_cacheable, fault, get, store, walk
from tests.factories import START
from tests.gateways import Gateway

IMAGES = "/api/v1/jwst/images"
NEBULA = image_event(
    1, target="NGC 3324", description="Cosmic cliffs.", instruments=["NIRCam", "MIRI"]
)
GALAXY = image_event(2, program=2_731, target="M 74", title="A survey of nearby galaxies")
CUBE = image_event(3, suffix="_s3d", instruments=["NIRSpec"], caption="A cube of Titan")


SEARCHES = [
    ({}, [3, 2, 1]),
    ({"program": "2731"}, [2]),
    ({"instrument": "NIRCam"}, [2, 1]),
    ({"instrument": "MIRI"}, [1]),
    ({"suffix": "_s3d"}, [3]),
    ({"q": "cliffs"}, [1]),
    ({"q": "galaxy"}, [2]),
    ({"q": "titan -galaxies"}, [3]),
    ({"from": iso(START + timedelta(hours=2))}, [3, 2]),
    ({"to": iso(START + timedelta(hours=2))}, [1]),
    ({"instrument": "NIRCam", "q": "survey"}, [2]),
]


async def test_images_are_searched_and_filtered(gateway: Gateway, database_url: str) -> None:
    """Conditions hold together; the newest first; `total` counts what they leave."""
    await store(database_url, [NEBULA, GALAXY, CUBE])
    for params, expected in SEARCHES:
        document = await get(gateway, IMAGES, **params)
        assert [item["image_id"] for item in document["items"]] == [
            image_event(index).data.image_id for index in expected
        ]
        assert document["total"] == len(expected)
        assert all(set(item) >= TOLD for item in document["items"])


async def test_pages_hold_every_image_once(gateway: Gateway, database_url: str) -> None:
    """Three were released at each time."""
    events = [
        image_event(index, released_at=START + timedelta(hours=index // 3)) for index in range(20)
    ]
    await store(database_url, events)
    items = await walk(gateway, IMAGES, limit="4")
    assert len(items) == 20
    assert {item["image_id"] for item in items} == {event.data.image_id for event in events}
    await assert_is_cacheable(gateway, IMAGES)


async def test_one_image_and_the_way_to_its_thumbnail(gateway: Gateway, database_url: str) -> None:
    """Found by its name; an unknown one is 404."""
    await store(database_url, [NEBULA])
    image = await get(gateway, f"{IMAGES}/{NEBULA.data.image_id}")
    assert image["target"] == "NGC 3324"
    assert image["thumbnail_path"] == f"{IMAGES}/{NEBULA.data.image_id}/thumbnail"
    assert (await fault(gateway, f"{IMAGES}/nothing"))[0] == HTTPStatus.NOT_FOUND


async def test_shipped_images_are_shown_until_there_are_others(
    gateway: Gateway, database_url: str
) -> None:
    """They are for those who have nothing else."""
    shipped = JwstImageEvent.of_image(
        JwstImage(**image_event(5).data.model_dump()),
        provenance=Provenance("shipped", Origin.SNAPSHOT, START),
    )
    await store(database_url, [shipped])
    assert [item["origin"] for item in (await get(gateway, IMAGES))["items"]] == ["snapshot"]
    await store(database_url, [NEBULA])
    assert [item["origin"] for item in (await get(gateway, IMAGES, limit="9"))["items"]] == ["live"]


WRONG = [
    ({"program": "0"}, "program"),
    ({"program": "many"}, "program"),
    ({"instrument": "Hubble"}, "instrument"),
    ({"suffix": "i2d"}, "suffix"),
    ({"cursor": "////"}, "cursor"),
    ({"page": "2"}, "page"),
]


async def test_a_wrong_parameter_is_named(gateway: Gateway) -> None:
    """422, and the field at fault."""
    for params, field in WRONG:
        assert await fault(gateway, IMAGES, **params) == (HTTPStatus.UNPROCESSABLE_ENTITY, [field])
