"""What both APIs say of a study is read the same and completes itself."""

from datetime import date

from libs.common.events import OsdrMission
from services.ingest_osdr.studies import Study, merged, missions, read_study

STS_121 = OsdrMission(name="STS-121", start=date(2006, 7, 4), end=date(2006, 7, 17))


def test_a_mission_is_read_from_an_object() -> None:
    """Name and both dates, in either case of the keys."""
    assert missions({"name": "STS-121", "start date": "07/04/2006", "end date": "07/17/2006"}) == [
        STS_121
    ]
    assert missions({"Name": "STS-121", "Start Date": "7/4/06", "End Date": "07/17/2006"}) == [
        STS_121
    ]


def test_lists_in_a_mission_belong_together_by_their_order() -> None:
    """A missing date in the middle does not shift the others."""
    found = missions(
        {
            "name": ["STS-121", "SpaceX-4", "SpaceX-8"],
            "start date": ["07/04/2006", "", "04/08/2016"],
            "end date": ["07/17/2006"],
        }
    )
    assert found == [
        STS_121,
        OsdrMission(name="SpaceX-4"),
        OsdrMission(name="SpaceX-8", start=date(2016, 4, 8)),
    ]


def test_missions_as_names_and_as_lists_of_objects() -> None:
    """A text, joined texts, a list of objects, and nothing."""
    assert missions("STS-121     STS-135") == [
        OsdrMission(name="STS-121"),
        OsdrMission(name="STS-135"),
    ]
    assert missions([{"name": "STS-121"}, "STS-135"]) == missions("STS-121     STS-135")
    assert missions("") == missions(None) == missions({"name": "", "start date": ""}) == []


def test_a_flat_mission_is_read() -> None:
    """The study API's comments have the mission's fields side by side."""
    study = read_study(
        {
            "Mission Name": "SpaceX-8",
            "Mission Start": "04/08/2016",
            "Mission End": "05/11/2016",
            "Mission Link": "https://osdr.nasa.gov/bio/repo/data/missions/SpaceX-8",
        }
    )
    assert study.missions == [
        OsdrMission(name="SpaceX-8", start=date(2016, 4, 8), end=date(2016, 5, 11))
    ]
    assert [link.rel for link in study.links] == ["mission"]


def test_links_are_kept_only_when_they_lead_to_the_web() -> None:
    """Relative thumbnails get their host; scripts and files are dropped."""
    study = read_study(
        {
            "project link": ["https://lsda.jsc.nasa.gov/1", "javascript:alert(1)", "N/A"],
            "thumbnail": "/geode-py/ws/studies/OSD-1/image",
            "links": {"a": "http://example.org/x", "b": ["ftp://example.org", 7]},
        }
    )
    assert [(link.rel, link.url) for link in study.links] == [
        ("project", "https://lsda.jsc.nasa.gov/1"),
        ("thumbnail", "https://osdr.nasa.gov/geode-py/ws/studies/OSD-1/image"),
        ("related", "http://example.org/x"),
    ]


def test_the_first_says_and_the_second_completes() -> None:
    """What the detail says stands; empty places, and dates of known missions, are filled."""
    detail = Study(title="Flies", organisms=["Fly"], missions=[OsdrMission(name="STS-121")])
    found = Study(
        title="Mice",
        factors=["Spaceflight"],
        missions=[OsdrMission(name="sts-121", start=STS_121.start, end=STS_121.end)],
        release_date=date(2010, 1, 1),
    )
    whole = merged(detail, found)
    assert (whole.title, whole.organisms, whole.factors) == ("Flies", ["Fly"], ["Spaceflight"])
    assert whole.missions == [STS_121]
    assert whole.release_date == date(2010, 1, 1)
    assert merged(Study(), found).missions == found.missions
