"""Launches of Launch Library 2, in the shapes of 2.3.0 and 2.2.0. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from libs.common.events import Launch, LaunchEvent, Provenance
from services.ingest_space.normalize.envelopes import page_object
from services.ingest_space.normalize.fields import (
    flag,
    link,
    links,
    moment,
    name,
    number,
    part,
    parts,
    required_moment,
    required_name,
    text,
    whole,
)
from services.ingest_space.normalize.records import Page, Record, read_records

_LARGEST = 1_000_000_000
# The library counts calls per hour, and those of some tokens per day.
_LONGEST_WAIT_S = 86_400.0


class Throttle(NamedTuple):
    """The library's count of our calls: the limit, those made, and seconds until the next.

    The seconds are 0 if the library names none, or more than a day.
    """

    limit: int
    used: int
    wait_s: float


def launch_events(document: Any, provenance: Provenance) -> Page:  # noqa: ANN401 - any JSON
    """Read one page of launches.

    Raises:
        ValueError: The document is an error, or nothing in it is a launch.
    """
    results = page_object(document).get("results")
    if not isinstance(results, list):
        raise ValueError(f"results: expected a list, got {type(results).__name__}")
    return read_records(results, lambda record: _event(record, provenance))


def next_page(
    document: Any,  # noqa: ANN401 - any JSON
    asked: Mapping[str, str],
) -> dict[str, str] | None:
    """Return the parameters of the next page; None at the end.

    The host in the link does not matter: behind a proxy, it is not the host that was asked.

    Args:
        document: A page.
        asked: The parameters of the request for that page.

    Raises:
        ValueError: There is a next page, but the link does not say which.
    """
    following = document.get("next") if isinstance(document, dict) else None
    if following in (None, ""):
        return None
    query = urlsplit(following.strip()).query if isinstance(following, str) else ""
    params = dict(parse_qsl(query)) if query.isascii() else {}
    if not params or params == asked:
        raise ValueError(f"next: expected a link to another page, got {following!r:.200}")
    return params


def read_throttle(document: Any) -> Throttle:  # noqa: ANN401 - any JSON
    """Read the answer of `/api-throttle/`.

    Raises:
        ValueError: The document is something else.
    """
    record = page_object(document)
    limit = whole(record.get("your_request_limit"), high=_LARGEST)
    used = whole(record.get("current_use"), high=_LARGEST)
    if limit is None or used is None:
        raise ValueError("your_request_limit, current_use: expected whole numbers")
    wait_s = number(record.get("next_use_secs"), low=0, high=_LONGEST_WAIT_S)
    return Throttle(limit, used, wait_s or 0.0)


def _event(record: Record, provenance: Provenance) -> LaunchEvent:
    status = part(record, "status")
    company = part(record, "launch_service_provider")
    mission = part(record, "mission")
    orbit = part(mission, "orbit")
    pad = part(record, "pad")
    image = part(record, "image")
    launch = Launch(
        launch_id=required_name(record, "id"),
        name=required_name(record, "name"),
        net=required_moment(record, "net"),
        net_precision=name(part(record, "net_precision").get("name")),
        window_start=moment(record.get("window_start")),
        window_end=moment(record.get("window_end")),
        status_id=whole(status.get("id"), high=1_000),
        status=name(status.get("abbrev")) or name(status.get("name")),
        status_name=name(status.get("name")),
        probability_percent=whole(record.get("probability"), high=100),
        hold_reason=text(record.get("holdreason")),
        fail_reason=text(record.get("failreason")),
        provider_id=whole(company.get("id"), high=_LARGEST),
        # The short form of a record has only the name.
        provider_name=name(company.get("name")) or name(record.get("lsp_name")),
        rocket_name=_rocket(record),
        # In the short form of 2.2.0, the mission is a text.
        mission_name=name(mission.get("name")) or name(record.get("mission")),
        mission_type=name(mission.get("type")) or name(record.get("mission_type")),
        mission_description=text(mission.get("description")),
        orbit=name(orbit.get("name")) or name(orbit.get("abbrev")),
        pad_name=name(pad.get("name")) or name(record.get("pad")),
        location_name=name(part(pad, "location").get("name")) or name(record.get("location")),
        pad_latitude_deg=number(pad.get("latitude"), low=-90, high=90),
        pad_longitude_deg=number(pad.get("longitude"), low=-180, high=180),
        image_url=link(image.get("image_url")) or link(record.get("image")),
        thumbnail_url=link(image.get("thumbnail_url")),
        image_credit=name(image.get("credit")),
        is_webcast_live=flag(record.get("webcast_live")),
        webcast_urls=_webcasts(record, mission),
        updated_at=moment(record.get("last_updated")),
        url=link(record.get("url")),
        upstream_body=record,
    )
    return LaunchEvent.of_launch(launch, provenance=provenance)


def _rocket(record: Record) -> str | None:
    configuration = part(part(record, "rocket"), "configuration")
    return name(configuration.get("full_name")) or name(configuration.get("name"))


def _webcasts(record: Record, mission: Record) -> list[str]:
    """Return the links of the broadcasts, the most important first.

    The short form has at most those of the mission; 2.2.0 used `vidURLs`, as texts or objects.
    """
    found: list[object] = []
    for place in (record, mission):
        entries = parts(place, "vid_urls", "vidURLs")
        entries.sort(key=lambda entry: number(entry.get("priority")) or 0.0)
        found += [entry.get("url") for entry in entries]
    old = record.get("vidURLs")
    found += [entry for entry in old if isinstance(entry, str)] if isinstance(old, list) else []
    return links(found)
