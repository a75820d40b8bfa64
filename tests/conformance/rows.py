"""A few rows of every kind, so that lists have items and examples of paths exist."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from libs.common.events import Event
from tests.catalogue import (
    apod_event,
    cme_event,
    dataset_event,
    flare_event,
    image_event,
    launch_event,
    neo_event,
    sky_event,
)
from tests.factories import elements_event, position_events

COUNT = 60


def rows() -> Sequence[Event]:
    """Return the events."""
    now = datetime.now(UTC)
    events: list[Event] = [*position_events(COUNT), elements_event()]
    for index in range(1, COUNT + 1):
        events += [
            dataset_event(index),
            image_event(index),
            sky_event(index),
            apod_event(index),
            neo_event(index),
            flare_event(index),
            cme_event(index),
            launch_event(index, now + timedelta(days=index)),
        ]
    return events
