"""The facts about one study, read from either API of the repository, and merged. Pure.

Both APIs use the same names for the same facts: the biodata API in lower case, the study API in
Title Case. In either, any value may be a text, several texts joined in one, or a list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from itertools import zip_longest
from typing import Any
from urllib.parse import urljoin

from libs.common.events.osdr import (
    MAX_DESCRIPTION,
    MAX_LINKS,
    MAX_MISSIONS,
    MAX_TITLE,
    OsdrLink,
    OsdrMission,
)
from libs.common.upstream.text import web_link
from services.ingest_osdr.dates import parse_date
from services.ingest_osdr.values import folded, is_empty, items, labels, prose, text

# The base of the study API's relative links.
REPOSITORY = "https://osdr.nasa.gov"
_MISSION_FIELDS = {
    "name": ("name", "mission name"),
    "start": ("start date", "mission start", "start"),
    "end": ("end date", "mission end", "end"),
}
_RELEASE_DATES = ("study public release date", "public release date", "publicreleasedate")


@dataclass(frozen=True, slots=True)
class Study:
    """The facts about one study; a missing one is None or empty."""

    title: str | None = None
    description: str | None = None
    organisms: Sequence[str] = ()
    material_types: Sequence[str] = ()
    assay_types: Sequence[str] = ()
    factors: Sequence[str] = ()
    project_type: str | None = None
    project_ids: Sequence[str] = ()
    project_titles: Sequence[str] = ()
    flight_programs: Sequence[str] = ()
    space_programs: Sequence[str] = ()
    missions: Sequence[OsdrMission] = ()
    publications: Sequence[str] = ()
    data_sources: Sequence[str] = ()
    release_date: date | None = None
    links: Sequence[OsdrLink] = ()


def read_study(record: Mapping[str, Any]) -> Study:
    """Read the metadata of a detail, or the `_source` of a search hit."""
    said = folded(record)
    return Study(
        title=prose(said.get("study title"), MAX_TITLE) or prose(said.get("title"), MAX_TITLE),
        description=prose(said.get("study description"), MAX_DESCRIPTION),
        organisms=labels(said.get("organism")),
        material_types=labels(said.get("material type")),
        assay_types=labels(said.get("study assay technology type")),
        factors=labels(said.get("study factor name")),
        project_type=text(said.get("project type")),
        # Several identifiers come as comma-separated values in one text.
        project_ids=labels(said.get("project identifier"), separator=","),
        project_titles=labels(said.get("project title")),
        flight_programs=labels(said.get("flight program")),
        space_programs=labels(said.get("space program")),
        missions=_missions_of(said),
        publications=labels(said.get("study publication title")),
        data_sources=labels(said.get("data source type")),
        release_date=_first_date(said, _RELEASE_DATES),
        links=_links_of(said),
    )


def merged(first: Study, second: Study) -> Study:
    """Return the first study, with the facts that it lacks taken from the second."""
    chosen = {
        field.name: getattr(first, field.name) or getattr(second, field.name)
        for field in fields(Study)
    }
    known = {mission.name.casefold(): mission for mission in second.missions if mission.name}
    missions = [_completed(each, known) for each in first.missions] or second.missions
    links = list(dict.fromkeys([*first.links, *second.links]))
    return replace(Study(**chosen), missions=missions, links=links[:MAX_LINKS])


def missions(value: object) -> list[OsdrMission]:
    """Return the missions of a value: an object, a name, names joined, or a list of any of them.

    In an object, the lists of names, starts and ends are matched by their order.
    """
    match value:
        case dict():
            said = folded(value)
            columns = [_first_items(said, names) for names in _MISSION_FIELDS.values()]
            rows = list(zip_longest(*columns))
        case list():
            return [mission for each in value for mission in missions(each)][:MAX_MISSIONS]
        case _:
            rows = [(name, None, None) for name in items(value)]
    found = [
        OsdrMission(name=text(name), start=parse_date(start), end=parse_date(end))
        for name, start, end in rows
    ]
    return [mission for mission in found if mission != OsdrMission()][:MAX_MISSIONS]


def _missions_of(said: Mapping[str, Any]) -> list[OsdrMission]:
    whole = said.get("mission")
    if not is_empty(whole):
        return missions(whole)
    # The study API has the missions flat, among its comments.
    return missions(
        {
            name: said.get(name)
            for names in _MISSION_FIELDS.values()
            for name in names
            if name.startswith("mission")
        }
    )


def _first_items(said: Mapping[str, Any], names: Sequence[str]) -> list[object]:
    return next((items(said[name]) for name in names if not is_empty(said.get(name))), [])


def _first_date(said: Mapping[str, Any], names: Sequence[str]) -> date | None:
    singles = [single for name in names for single in items(said.get(name))]
    return next((day for single in singles if (day := parse_date(single))), None)


def _completed(mission: OsdrMission, known: Mapping[str, OsdrMission]) -> OsdrMission:
    other = known.get((mission.name or "").casefold())
    if other is None:
        return mission
    return OsdrMission(
        name=mission.name, start=mission.start or other.start, end=mission.end or other.end
    )


def _links_of(said: Mapping[str, Any]) -> list[OsdrLink]:
    found = [
        *_web_links("project", said.get("project link")),
        *_web_links("mission", said.get("mission link")),
        *_web_links("thumbnail", said.get("thumbnail"), base=REPOSITORY),
        *_web_links("related", said.get("links")),
    ]
    return list(dict.fromkeys(found))[:MAX_LINKS]


def _web_links(rel: str, value: object, *, base: str | None = None) -> list[OsdrLink]:
    """Return the links of a value; with a base, relative ones as well."""
    if isinstance(value, dict):
        return [link for each in value.values() for link in _web_links(rel, each, base=base)]
    found = []
    for single in items(value):
        if isinstance(single, dict):
            found += _web_links(rel, single, base=base)
        elif isinstance(single, str) and (url := web_link(_absolute(single, base))):
            found.append(OsdrLink(rel=rel, url=url))
    return found


def _absolute(link: str, base: str | None) -> str:
    if base is None or not link.strip():
        return link
    try:
        return urljoin(base, link.strip())
    except ValueError:  # such as a broken IPv6 address
        return link
