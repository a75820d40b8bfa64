"""Reading the pages of Launch Library 2."""

from datetime import UTC, datetime
from typing import Any

import pytest

from libs.common.events import LaunchEvent
from services.ingest_space.normalize import launch_events, next_page, read_throttle
from tests.unit.ingest_space.bodies import LAUNCH, LIVE, NOW, page


def read(**changes: Any) -> LaunchEvent:
    """Return the launch with other fields, as it is read."""
    (event,) = launch_events(page(LAUNCH | changes), LIVE).events
    assert isinstance(event, LaunchEvent)
    return event


def test_reads_a_launch() -> None:
    """The event's time is that of the last change; the launch itself lies ahead."""
    event = read()
    data = event.data
    assert event.subject == data.launch_id == LAUNCH["id"]
    assert data.net == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert event.time == data.updated_at == datetime(2026, 2, 27, 12, 0, tzinfo=UTC)
    assert (data.status_id, data.status, data.status_name) == (1, "Go", "Go for Launch")
    assert (data.provider_id, data.provider_name) == (44, "Roscosmos")
    assert data.net_precision == "Minute"
    assert data.rocket_name == "Rocket 44"
    assert (data.mission_name, data.orbit) == ("Payload 1", "Low Earth Orbit")
    assert (data.pad_name, data.location_name) == ("Pad 40", "Cape Canaveral, FL, USA")
    assert data.image_url == "https://images.example.org/launch_1.jpg"
    assert data.webcast_urls == ["https://www.youtube.com/watch?v=launch1"]
    assert data.probability_percent == 85
    assert data.fail_reason is data.hold_reason is None


@pytest.mark.parametrize(
    ("latitude", "longitude"), [("28.56180000", "-80.577"), (28.5618, -80.577)]
)
def test_reads_coordinates_as_texts_and_as_numbers(latitude: object, longitude: object) -> None:
    """Version 2.2 wrote texts, 2.3 writes numbers."""
    data = read(pad={"name": "40", "latitude": latitude, "longitude": longitude}).data
    assert (data.pad_latitude_deg, data.pad_longitude_deg) == (28.5618, -80.577)


@pytest.mark.parametrize(
    ("image", "url"),
    [
        (None, None),
        ("https://x.example/1.jpg", "https://x.example/1.jpg"),
        (
            {"image_url": "https://x.example/2.jpg", "thumbnail_url": None},
            "https://x.example/2.jpg",
        ),
        ({"image_url": None}, None),
    ],
)
def test_reads_every_form_of_an_image(image: object, url: str | None) -> None:
    """A text in 2.2, an object in 2.3, null in both."""
    assert read(image=image).data.image_url == url


def test_reads_the_short_form() -> None:
    """Company, mission, pad and place are texts there."""
    long = ("launch_service_provider", "rocket", "net_precision")
    short = {key: value for key, value in LAUNCH.items() if key not in long}
    short |= {"lsp_name": "SpaceX", "mission": "Starlink 1", "mission_type": "Communications"}
    short |= {
        "pad": "SLC-40",
        "location": "Florida",
        "vidURLs": ["https://v.example/1", "mailto:x"],
    }
    (event,) = launch_events(page(short), LIVE).events
    assert isinstance(event, LaunchEvent)
    data = event.data
    assert (data.provider_name, data.mission_name) == ("SpaceX", "Starlink 1")
    assert (data.pad_name, data.location_name) == ("SLC-40", "Florida")
    assert data.webcast_urls == ["https://v.example/1"]
    assert data.rocket_name is data.net_precision is None


def test_without_mission_and_orbit() -> None:
    """Both may be null."""
    assert read(mission=None).data.mission_name is None
    assert read(mission={"name": "A", "orbit": None}).data.orbit is None


def test_without_a_last_change_it_is_true_when_fetched() -> None:
    """And the same content fetched later is still the same event."""
    first = read(last_updated=None)
    assert first.time == NOW
    later = LIVE.__class__(LIVE.provider, LIVE.origin, NOW.replace(hour=13))
    (again,) = launch_events(page(LAUNCH | {"last_updated": None}), later).events
    assert again.id == first.id


def test_broadcasts_in_the_order_of_their_importance() -> None:
    """A small number is important; a link that stands twice is one."""
    videos = [
        {"priority": 9, "url": "https://v.example/b"},
        {"priority": 1, "url": "https://v.example/a"},
        {"priority": 9, "url": "https://v.example/a"},
    ]
    assert read(vid_urls=videos, mission=None).data.webcast_urls == [
        "https://v.example/a",
        "https://v.example/b",
    ]


@pytest.mark.parametrize(
    "place",
    [
        "https://ll.thespacedevs.com/2.3.0/launches/upcoming/",
        "http://backend:8000/api/launches/upcoming/",
        "/2.3.0/launches/upcoming/",
        "",
    ],
)
def test_the_next_page(place: str) -> None:
    """Its parameters are taken from the link, wherever that leads."""
    following = f"{place}?limit=100&mode=normal&offset=100"
    expected = {"limit": "100", "mode": "normal", "offset": "100"}
    assert next_page(page(following=following), {}) == expected


@pytest.mark.parametrize("following", [None, ""])
def test_no_next_page(following: Any) -> None:
    """Without a link it was the last."""
    assert next_page(page(following=following), {}) is None


@pytest.mark.parametrize(
    "following",
    [
        "https://ll.thespacedevs.com/2.3.0/launches/upcoming/",
        "https://ll.thespacedevs.com/?offset=0",
        "https://[/?offset=100",
        "?offset=\ud800",
        " ",
        5,
    ],
)
def test_a_next_page_that_nobody_can_ask_for(following: Any) -> None:
    """A link without parameters, to the same page, or no link at all."""
    with pytest.raises(ValueError, match=r"next: expected a link|Invalid IPv6"):
        next_page(page(following=following), {"offset": "0"})


def test_reads_the_throttle() -> None:
    """Limit, use and the seconds until the next call."""
    body = {"your_request_limit": 15, "current_use": 3, "next_use_secs": 0, "ident": "192.0.2.1"}
    assert read_throttle(body) == (15, 3, 0)
    assert read_throttle(body | {"next_use_secs": 1_800}).wait_s == 1_800
    # 30,000 years.
    assert read_throttle(body | {"next_use_secs": 1e12}).wait_s == 0
    with pytest.raises(ValueError, match="your_request_limit"):
        read_throttle({"your_request_limit": None})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"detail": "Request was throttled. Expected available in 1 second."}, "throttled"),
        ({"count": 0}, "results: expected a list, got NoneType"),
        (page(LAUNCH | {"net": None}), "net: expected a time, got None"),
        (page(LAUNCH | {"id": None}), "id: expected text"),
        ([], "expected an object, got list"),
    ],
)
def test_refuses_what_is_no_page(body: Any, reason: str) -> None:
    """The reason names the field, or repeats the complaint."""
    with pytest.raises(ValueError, match=reason):
        launch_events(body, LIVE)
