"""The memory of the newest state: revisions, windows that move with time, bounds."""

from datetime import datetime, timedelta

import pytest

from libs.common.events import JwstImageEvent, LaunchEvent, Origin, Provenance, SolarFlareEvent
from services.gateway.latest import Latest
from services.gateway.latest.archive import (
    NEWEST_IMAGES,
    Catalogue,
    LatestImages,
    LatestSky,
)
from services.gateway.latest.old import OldSpace
from services.gateway.latest.space import LatestSpace
from services.gateway.latest.things import Things
from services.gateway.latest.view import View, next_day
from tests.catalogue import (
    apod_event,
    cme_event,
    flare_event,
    image_event,
    launch_event,
    neo_event,
    sky_event,
)
from tests.clocks import MovingClock
from tests.factories import START, position_event

DAY = timedelta(days=1)


class EmptyCatalogue:
    """A database that holds no datasets."""

    async def catalogue(self) -> Catalogue:
        """Return what it holds."""
        return Catalogue(0, ())


def refetched(event: JwstImageEvent, seconds: float, origin: Origin) -> JwstImageEvent:
    """Return an event of the same thing, fetched at another time."""
    return JwstImageEvent.of_image(
        event.data, provenance=Provenance("mast", origin, START + timedelta(seconds=seconds))
    )


def test_a_revision_takes_the_place_of_what_was_fetched_before() -> None:
    """In whichever order the two come."""
    first = launch_event(1, START + DAY)
    later = launch_event(2, START + 2 * DAY, launch_id="launch-001", name="Slipped")
    for events in ([first, later], [later, first]):
        space = LatestSpace()
        for event in events:
            space.add(event, START)
        assert [each.data.name for each in space.launches_at(START)] == ["Slipped"]


def test_records_are_not_kept() -> None:
    """No answer shows what was received of an image; those of earlier systems show positions'."""
    record = {"text": "x" * 100_000}
    latest = Latest(MovingClock(), EmptyCatalogue())
    latest.fill(
        [
            position_event(upstream_body=record),
            image_event(1, upstream_body=record),
            sky_event(1, upstream_body=record),
        ]
    )
    assert latest.images.newest(START) == [image_event(1, upstream_body=None)]
    assert latest.sky.next_at(START, 2 * DAY) == [sky_event(1)]
    assert latest.iss.newest == position_event(upstream_body=record)


def test_what_is_known_already_changes_nothing() -> None:
    """The same event again does not make an answer anew."""
    things: Things[SolarFlareEvent] = Things(lambda event: event.time, 10)
    things.add(flare_event(1), START)
    version = things.version
    things.add(flare_event(1), START)
    assert things.version == version


def test_memory_is_bounded_and_keeps_what_is_near() -> None:
    """What is furthest from now goes first, on either side."""
    things: Things[LaunchEvent] = Things(lambda event: event.data.net, 50)
    for index in range(-100, 100):
        things.add(launch_event(index, START + index * DAY), START)
        assert len(things) <= 50
    kept = things.between(datetime.min.replace(tzinfo=START.tzinfo))
    assert launch_event(0, START) in kept
    assert all(abs(each.data.net - START) < 60 * DAY for each in kept[:-30])


def test_the_suns_windows_are_of_five_days_back_to_today() -> None:
    """A day is one of UTC, as in the query of the upstream."""
    space = LatestSpace()
    for hours in (-1, 0, 5 * 24, 6 * 24):
        space.add(flare_event(hours - 12), START)
        space.add(cme_event(hours - 12), START)
    now = START + 5 * DAY
    since = datetime(2026, 3, 1, tzinfo=START.tzinfo)
    assert space.flares_at(now)[0].time == since
    assert space.ejections_at(now)[0].time == since
    assert len(space.flares_at(now + DAY)) == 2


def test_asteroids_are_of_two_days_back_and_of_what_comes() -> None:
    """The feed of the earlier systems ends with today."""
    space = LatestSpace()
    for index in (0, 10, 20, 30, 31, 40):
        space.add(neo_event(index), START)
    old = OldSpace(space)
    now = START + 3 * DAY
    assert len(space.approaches_at(now)) == 5
    document = old.document("neo", now)
    assert document is not None
    assert b'"element_count":4' in document.ready.body
    assert b"2026-03-05" not in document.ready.body


def test_the_next_launch_is_another_one_once_it_has_flown() -> None:
    """Without any event: time alone moves it."""
    space = LatestSpace()
    old = OldSpace(space)
    assert old.document("spacex", START) is None
    space.add(launch_event(1, START + DAY, provider_name="Rocket Lab"), START)
    space.add(launch_event(2, START + 2 * DAY), START)
    space.add(launch_event(3, START + 3 * DAY), START)
    first = old.document("spacex", START)
    assert first is not None
    assert b"launch-002" in first.ready.body
    assert old.document("spacex", START + DAY) is first
    second = old.document("spacex", START + 2 * DAY + timedelta(seconds=1))
    assert second is not None
    assert b"launch-003" in second.ready.body
    assert old.document("spacex", START + 4 * DAY) is None


def test_an_answer_is_made_once_until_something_changes_or_its_time_is_over() -> None:
    """Many events and many requests make one rendering."""
    made: list[datetime] = []
    state = {"version": 0}

    def make(now: datetime) -> tuple[int, datetime]:
        made.append(now)
        return len(made), next_day(now)

    view = View(make, lambda: state["version"])
    assert [view.at(START), view.at(START + timedelta(hours=11))] == [1, 1]
    assert view.at(START + timedelta(hours=12)) == 2
    state["version"] += 60
    assert view.at(START + timedelta(hours=12)) == 3


def test_the_newest_picture_is_that_of_the_last_day() -> None:
    """A correction of yesterday's does not bring it back."""
    space = LatestSpace()
    space.add(apod_event(2), START)
    space.add(apod_event(1, title="Corrected"), START)
    assert space.picture is not None
    assert space.picture.data.picture_date.day == 3


def test_what_has_passed_is_not_next() -> None:
    """Nor is what only one place sees."""
    sky = LatestSky()
    for days in (-1, 1, 2, 40):
        sky.add(sky_event(days), START)
    times = [each.time for each in sky.next_at(START, 30 * DAY)]
    assert times == [START + DAY, START + 2 * DAY]


@pytest.mark.parametrize("count", [0, 1, NEWEST_IMAGES + 5])
def test_shipped_images_are_hidden_by_received_ones(count: int) -> None:
    """As in the gallery's view."""
    images = LatestImages()
    shipped = refetched(image_event(999), 0, Origin.SNAPSHOT)
    images.images.add(shipped, START)
    for index in range(count):
        images.images.add(image_event(index), START)
    newest = images.newest(START)
    if count == 0:
        assert newest == [shipped]
    else:
        assert len(newest) == min(count, NEWEST_IMAGES)
        assert newest[0] == image_event(count - 1)
