"""Announced events confirm computed ones, and confirmations are kept."""

from datetime import timedelta
from typing import Any

import pytest

from libs.common.events import AstroEvent, AstroKind, AstroObserver, natural_key
from services.ingest_astro.computed.happening import Happening
from services.ingest_astro.merging import confirm, keep_confirmations
from tests.unit.ingest_astro.published import at

HERE = AstroObserver(name="Here", latitude_deg=10.0, longitude_deg=20.0)
THERE = AstroObserver(name="There", latitude_deg=-30.0, longitude_deg=140.0)
PEAK = at("2026-08-28 04:13")


def eclipse(
    observer: AstroObserver | None = HERE,
    *,
    kind: AstroKind = AstroKind.LUNAR_ECLIPSE,
    off: timedelta = timedelta(0),
    variant: str = "partial",
    **changes: Any,
) -> Happening:
    """Return an eclipse seen from a place."""
    body = "moon" if kind is AstroKind.LUNAR_ECLIPSE else "sun"
    event = AstroEvent(
        kind=kind, variant=variant, title="Eclipse", bodies=[body], observer=observer, **changes
    )
    return Happening(PEAK + off, event)


@pytest.mark.parametrize("minutes", [-90, -1, 0, 1, 90])
def test_the_same_eclipse_is_confirmed(minutes: float) -> None:
    """Some minutes apart and of another kind, it is still the same; its own moment stays."""
    record = {"type": "total_lunar_eclipse"}
    announced = eclipse(off=timedelta(minutes=minutes), variant="total", upstream_body=record)
    merged, others = confirm([eclipse()], [announced], "somebody")
    assert others == []
    assert [happening.time for happening in merged] == [PEAK]
    assert [happening.event.confirmed_by for happening in merged] == [["somebody"]]
    assert merged[0].event.variant == "partial"
    assert merged[0].event.upstream_body == record


@pytest.mark.parametrize(
    "other",
    [
        eclipse(THERE),
        eclipse(None),
        eclipse(off=timedelta(days=1)),
        eclipse(kind=AstroKind.SOLAR_ECLIPSE),
    ],
)
def test_another_eclipse_is_not(other: Happening) -> None:
    """Another place, day or body: both events stay."""
    merged, others = confirm([eclipse()], [other], "somebody")
    assert merged == [eclipse()]
    assert others == [other]


def test_coordinates_may_be_rounded() -> None:
    """Two digits are a kilometre."""
    rounded = HERE.model_copy(update={"latitude_deg": 10.004, "name": "10 N"})
    assert confirm([eclipse()], [eclipse(rounded)], "somebody")[1] == []


def test_confirmations_are_kept() -> None:
    """By the natural key with what was sent, and together with new ones, whose record is newer."""
    earlier = eclipse(confirmed_by=["earlier"], upstream_body={"day": 1}).event
    known = {natural_key(earlier, PEAK): earlier}
    kept = keep_confirmations([eclipse(), eclipse(THERE)], known)
    assert [happening.event for happening in kept] == [earlier, eclipse(THERE).event]
    merged, _ = confirm(kept, [eclipse(upstream_body={"day": 2})], "now")
    assert merged[0].event.confirmed_by == ["earlier", "now"]
    assert merged[0].event.upstream_body == {"day": 2}


def test_a_corrected_kind_of_eclipse_is_the_same_event() -> None:
    """Its key says nothing of what the computation found; that of a phase says which it is."""
    assert natural_key(eclipse().event, PEAK) == natural_key(
        eclipse(variant="penumbral").event, PEAK
    )
    assert natural_key(eclipse().event, PEAK) == "lunar_eclipse:moon:10.0000,20.0000:2026-08-28"
