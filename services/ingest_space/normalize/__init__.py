"""Bodies of the upstreams in, events out: one file per upstream. Pure: no I/O, no clock."""

from services.ingest_space.normalize.apod import day_to_try, picture_events
from services.ingest_space.normalize.donki import ejection_events, flare_events, read_analysis
from services.ingest_space.normalize.envelopes import error_code
from services.ingest_space.normalize.launches import launch_events, next_page, read_throttle
from services.ingest_space.normalize.neows import approach_events
from services.ingest_space.normalize.records import Page, Rejected

__all__ = [
    "Page",
    "Rejected",
    "approach_events",
    "day_to_try",
    "ejection_events",
    "error_code",
    "flare_events",
    "launch_events",
    "next_page",
    "picture_events",
    "read_analysis",
    "read_throttle",
]
