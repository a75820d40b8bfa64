"""Atom feeds and calendars: read back by the programs' own libraries, stable over time."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from libs.common.events import Event
from tests.catalogue import (
    apod_event,
    cme_event,
    dataset_event,
    flare_event,
    image_event,
    launch_event,
)
from tests.contract.clients import assert_is_cacheable, get_bytes, get_calendar, store
from tests.factories import START
from tests.gateways import Gateway, running_gateway

ATOM = "{http://www.w3.org/2005/Atom}"
NOW = datetime.now(UTC).replace(microsecond=0)
LAUNCHES = "/api/v1/space/launches.ics"
FEEDS: dict[str, Sequence[Event]] = {
    "osdr/datasets": [dataset_event(index, fetch=index) for index in range(1, 6)],
    "jwst/images": [image_event(index) for index in range(5)],
    "space/apod": [apod_event(index) for index in range(5)],
    "space/flares": [flare_event(index) for index in range(5)],
    "space/cmes": [cme_event(index) for index in range(5)],
    "space/launches": [launch_event(i, NOW + timedelta(days=i + 1)) for i in range(5)],
}


async def feed(gateway: Gateway, name: str, **params: str) -> ET.Element:
    """Return a feed."""
    body = await get_bytes(gateway, f"/api/v1/{name}.atom", "application/atom+xml", **params)
    return ET.fromstring(body)  # noqa: S314 - our own answer


def text(element: ET.Element, name: str) -> str:
    """Return the text of a child that must be there."""
    found = element.findtext(f"{ATOM}{name}")
    assert found, name
    return found


@pytest.mark.parametrize("name", FEEDS)
async def test_a_feed_has_what_atom_asks_for(
    gateway: Gateway, database_url: str, name: str
) -> None:
    """RFC 4287: id, title, updated, author; a link to elsewhere, or content."""
    await store(database_url, FEEDS[name])
    root = await feed(gateway, name)
    assert text(root, "title")
    entries = root.findall(f"{ATOM}entry")
    assert len(entries) == 5
    updated = [datetime.fromisoformat(text(entry, "updated")) for entry in entries]
    assert datetime.fromisoformat(text(root, "updated")) == max(updated)
    assert len({text(entry, "id") for entry in entries}) == 5
    for entry in entries:
        assert text(entry, "id").startswith("urn:uuid:")
        assert text(entry, "title")
        assert entry.findtext(f"{ATOM}author/{ATOM}name")
        links = {link.get("rel", ""): link.get("href", "") for link in entry.findall(f"{ATOM}link")}
        assert links["related"].startswith(f"/api/v1/{name}/")
        assert "alternate" in links or entry.findtext(f"{ATOM}content")
        async with gateway.http.get(links["related"]) as response:
            assert response.ok, links["related"]
    await assert_is_cacheable(gateway, f"/api/v1/{name}.atom")


async def test_an_entry_keeps_its_id_when_it_is_revised(
    valkey_url: str, database_url: str, reader_database_url: str
) -> None:
    """A news reader shows it as changed, and not as another one."""
    before = dataset_event(1, fetch=1)
    after = dataset_event(1, fetch=100, title="Corrected")
    shown = []
    for event in (before, after):
        await store(database_url, [event])
        async with running_gateway(valkey_url, reader_database_url) as gateway:
            await gateway.redis.flushall()
            root = await feed(gateway, "osdr/datasets")
            shown.append(root.findall(f"{ATOM}entry")[0])
    assert text(shown[0], "id") == text(shown[1], "id")
    assert text(shown[0], "updated") < text(shown[1], "updated")
    assert text(shown[1], "title") == "OSD-1: Corrected"


async def test_a_feed_takes_filters_and_is_another_feed_then(
    gateway: Gateway, database_url: str
) -> None:
    """Its id tells one subscription from the other."""
    await store(database_url, [flare_event(0), flare_event(1, "X1.5")])
    strong = await feed(gateway, "space/flares", **{"min_class": "X1.0", "class": "X"})
    again = await feed(gateway, "space/flares", **{"class": "X", "min_class": "X1.0"})
    assert text(strong, "id") == text(again, "id")
    assert len(strong.findall(f"{ATOM}entry")) == 1
    assert text(strong, "id") != text(await feed(gateway, "space/flares"), "id")


async def test_any_text_makes_a_feed_that_can_be_read(gateway: Gateway, database_url: str) -> None:
    """Markup is text, and what XML cannot hold is left out."""
    await store(
        database_url, [apod_event(0, title="<b>\x01A & B</b> \ufffe", explanation="]]> \x1b end")]
    )
    entry = (await feed(gateway, "space/apod")).findall(f"{ATOM}entry")[0]
    assert text(entry, "title") == "<b>A & B</b> "
    assert text(entry, "summary") == "]]>  end"


async def calendar(gateway: Gateway, **params: str) -> tuple[Any, dict[str, Any]]:
    """Return the calendar of launches, and its entries by summary."""
    found, entries = await get_calendar(gateway, LAUNCHES, **params)
    return found, {str(event["summary"]): event for event in entries}


async def test_launches_as_a_calendar(gateway: Gateway, database_url: str) -> None:
    """A time where there is one, else a day; tentative until it is sure; nobody is busy."""
    net = NOW + timedelta(days=3)
    await store(
        database_url,
        [
            launch_event(0, net, window_end=net + timedelta(hours=2), pad_latitude_deg=28.5,
                         pad_longitude_deg=-80.5, pad_name="LC-39A", location_name="Florida, USA"),
            launch_event(1, net + timedelta(days=60), net_precision="Month", status="TBD"),
            launch_event(2, NOW - timedelta(days=5), status="Success"),
            launch_event(3, NOW - timedelta(days=50)),
        ],
    )  # fmt: skip
    found, entries = await calendar(gateway)
    assert found["version"] == "2.0"
    assert found["prodid"]
    assert "method" not in found
    assert found["refresh-interval"].params["VALUE"] == "DURATION"
    assert len(entries) == 3
    exact = entries["Falcon 9 | Payload 0"]
    assert exact["dtstart"].dt == net
    assert exact["dtend"].dt == net + timedelta(hours=2)
    assert exact["status"] == "CONFIRMED"
    assert exact["location"] == "LC-39A, Florida, USA"
    assert exact["geo"].to_ical() == "28.5;-80.5"
    vague = entries["Falcon 9 | Payload 1"]
    assert vague["dtstart"].dt == (net + timedelta(days=60)).date()
    assert isinstance(vague["dtend"].dt, date)
    assert vague["status"] == "TENTATIVE"
    for event in entries.values():
        assert event["transp"] == "TRANSPARENT"
        assert event["dtstamp"].dt == START
        assert not event.walk("VALARM")
    await assert_is_cacheable(gateway, LAUNCHES)


async def test_a_launch_that_slips_moves_in_subscribed_calendars(
    valkey_url: str, database_url: str, reader_database_url: str
) -> None:
    """The same UID, a later LAST-MODIFIED, a greater SEQUENCE, the new time."""
    net = NOW + timedelta(days=3)
    slipped = launch_event(
        0, net + timedelta(days=1), status="Hold", updated_at=START + timedelta(hours=5)
    )
    later = slipped.model_copy(update={"fetchedat": START + timedelta(hours=6)})
    versions = []
    for event in (launch_event(0, net), later):
        await store(database_url, [event])
        async with running_gateway(valkey_url, reader_database_url) as gateway:
            await gateway.redis.flushall()
            versions.append((await calendar(gateway))[1]["Falcon 9 | Payload 0"])
    first, second = versions
    assert first["uid"] == second["uid"]
    assert first["sequence"] < second["sequence"]
    assert first["last-modified"].dt < second["last-modified"].dt
    assert second["dtstart"].dt == net + timedelta(days=1)
    assert second["status"] == "TENTATIVE"
