"""The layout: how event streams are divided into partitions."""

from collections import Counter

import pytest

from libs.common.layout import MOST_PARTITIONS, UNDIVIDED, Layout
from libs.common.topology import ALL_STREAMS, EVENT_STREAMS, EVENTS_ISS, EVENTS_OSDR, stream_of
from tests.factories import elements_event, position_event


def test_undivided_streams_have_the_keys_that_they_always_had() -> None:
    """Whoever sets nothing finds nothing changed."""
    assert UNDIVIDED.event_streams == EVENT_STREAMS
    assert UNDIVIDED.streams == ALL_STREAMS
    event = position_event()
    assert UNDIVIDED.stream_of(event) is stream_of(event)


def test_a_divided_stream_is_several() -> None:
    """Each partition has a number at the end of its key, and the groups of the whole."""
    layout = Layout.parse("iss=3, osdr=1")
    parts = layout.partitions(EVENTS_ISS)
    assert [part.key for part in parts] == [f"cassiopeia:events:iss:{n}" for n in range(3)]
    assert all(part.groups == EVENTS_ISS.groups for part in parts)
    assert layout.partitions(EVENTS_OSDR) == (EVENTS_OSDR,)
    assert len(layout.event_streams) == len(EVENT_STREAMS) + 2
    assert EVENTS_ISS not in layout.streams


def test_the_events_of_one_subject_share_a_partition() -> None:
    """So their order is kept, whatever their time or type; other subjects spread out."""
    layout = Layout.parse("iss=4")
    events = [position_event(index, norad_id=25_544) for index in range(50)]
    (home,) = {layout.stream_of(event) for event in (*events, elements_event())}
    assert home in layout.partitions(EVENTS_ISS)
    spread = Counter(layout.stream_of(position_event(norad_id=n)) for n in range(1, 401))
    assert len(spread) == 4
    assert min(spread.values()) > 50


def test_a_subject_stays_where_it_is() -> None:
    """The choice is the same in every process and every release: it is written down here."""
    layout = Layout.parse("iss=64")
    chosen = {n: layout.stream_of(position_event(norad_id=n)).name for n in (1, 25_544, 48_274)}
    assert chosen == {1: "55", 25_544: "17", 48_274: "42"}


@pytest.mark.parametrize(
    "value", ["iss", "iss=", "iss=0", f"iss={MOST_PARTITIONS + 1}", "iss=2,iss=2", "dead=2", "x=1"]
)
def test_a_wrong_part_is_named(value: str) -> None:
    """The message says what was expected, with the names there are."""
    part = value.partition(",")[0]
    with pytest.raises(ValueError, match="astro, iss, jwst, osdr, space") as caught:
        Layout.parse(value)
    assert repr(part) in str(caught.value)
