"""`astro_year_s` and `passes_10d_s`: what is computed on request, on one core.

The fastest of three runs counts: the computation is always the same, and the differences come from
the machine's other work.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figure import Figure
from bench.progress import say
from libs.common.events import AstroObserver
from services.ingest_astro.computed.catalogue import events_for
from services.ingest_iss.passes import Site, passes
from services.ingest_iss.providers.shipped import shipped_elements

RUNS = 3
_MOSCOW = (55.7558, 37.6176)


async def measure(_: Path) -> list[Figure]:
    """Measure both."""
    return await asyncio.to_thread(_measure)


def _measure() -> list[Figure]:
    year = datetime(2026, 1, 1, tzinfo=UTC)
    observer = AstroObserver(name="Moscow", latitude_deg=_MOSCOW[0], longitude_deg=_MOSCOW[1])
    elements = shipped_elements()
    astro_year_s = _fastest(
        "events of a year", lambda: len(events_for(observer, year, year.replace(year=2027)))
    )
    passes_10d_s = _fastest(
        "passes of 10 days",
        lambda: len(
            passes(elements, Site(*_MOSCOW), elements.epoch, elements.epoch + timedelta(days=10))
        ),
    )
    return [
        Figure("astro_year_s", astro_year_s, "s", None, None, "<= 3"),
        Figure("passes_10d_s", passes_10d_s, "s", None, None, "<= 1"),
    ]


def _fastest(what: str, compute: Callable[[], int]) -> float:
    seconds = []
    for _ in range(RUNS):
        began = time.perf_counter()
        count = compute()
        seconds.append(time.perf_counter() - began)
        say(f"{count} {what} in {seconds[-1]:.2f} s")
    return min(seconds)
