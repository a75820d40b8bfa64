"""Events: they survive the wire, are told apart by what they speak of, and bad ones are found."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events import (
    Event,
    IssPositionEvent,
    Origin,
    Provenance,
    Recorded,
    decode,
    decode_batch,
)
from libs.common.topology import EVENT_STREAMS, stream_of
from tests.catalogue import image_event, sky_event
from tests.factories import (
    LIVE,
    START,
    Poison,
    altered,
    elements_event,
    position_event,
    undecodable,
)

moments = st.datetimes(
    min_value=datetime(1958, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2199, 12, 31),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(UTC),
)
finite = st.floats(allow_nan=False, allow_infinity=False)
bodies = st.dictionaries(st.text(st.characters(codec="utf-8")), finite | st.none())


@st.composite
def position_events(draw: st.DrawFn) -> IssPositionEvent:
    """Any position that the model takes."""
    return position_event(
        time=draw(moments),
        provenance=Provenance(
            draw(st.sampled_from(["wheretheiss.at", "sgp4"])),
            draw(st.sampled_from(list(Origin))),
            draw(moments),
        ),
        latitude_deg=draw(st.floats(-90, 90)),
        longitude_deg=draw(st.floats(-180, 180)),
        altitude_km=draw(st.floats(100, 2_000)),
        name=draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200)),
        visibility=draw(st.sampled_from(["daylight", "eclipsed", None])),
        upstream_body=draw(bodies),
        elements_epoch=draw(st.none() | moments),
        elements_age_s=draw(st.none() | finite),
        elements_trusted=draw(st.none() | st.booleans()),
    )


@given(position_events())
def test_an_event_survives_the_wire(event: Event) -> None:
    """Encoding and decoding gives the same event."""
    assert decode(event.encode()) == event


def test_the_envelope_is_a_cloud_event() -> None:
    """The JSON has CloudEvents 1.0 attributes, times with a zone, and no nulls."""
    document = json.loads(position_event(visibility=None).encode())
    assert document.pop("data")["latitude_deg"] == -51.5
    assert document == {
        "specversion": "1.0",
        "id": str(position_event().id),
        "source": "/cassiopeia/ingest_iss",
        "type": "cassiopeia.iss.position.v1",
        "subject": "25544",
        "time": "2026-03-01T12:00:00Z",
        "datacontenttype": "application/json",
        "fetchedat": "2026-03-01T12:00:00.180000Z",
        "origin": "live",
        "provider": "wheretheiss.at",
    }


def test_ids_never_change() -> None:
    """The ids of known events are the ones that the first release gave them."""
    assert str(position_event().id) == "59d0dba7-0147-5c8d-9520-ec275e7e2369"
    assert str(elements_event().id) == "8b71b3f7-4dff-5e74-8074-3847741c546d"
    assert str(image_event(1).id) == "5c46bed8-611d-596a-a775-7b44ed7c2dc2"
    assert str(sky_event(1).id) == "a57a1fc8-1fe6-5385-8583-2769d5acc5de"


def test_an_id_depends_on_station_provider_and_moment_alone() -> None:
    """Fetching a position again is the same event; another provider or moment is another one."""
    event = position_event()
    later = Provenance(LIVE.provider, Origin.SNAPSHOT, LIVE.fetched_at + timedelta(days=1))
    elsewhere = START.astimezone(timezone(timedelta(hours=5)))
    assert position_event(provenance=later, latitude_deg=1.0).id == event.id
    assert position_event(time=elsewhere).id == event.id
    others = [
        position_event(1),
        position_event(time=START + timedelta(microseconds=1)),
        position_event(provenance=Provenance("sgp4", Origin.COMPUTED, START)),
        position_event(norad_id=1),
    ]
    assert len({event.id, *(other.id for other in others)}) == 5


def test_elements_are_told_apart_by_their_content() -> None:
    """The same elements from anywhere are one event; a corrected set of the epoch is another."""
    again = elements_event(provenance=Provenance("mirror", Origin.SNAPSHOT, LIVE.fetched_at))
    assert again.id == elements_event().id
    assert elements_event(bstar=0.0001).id != elements_event().id
    assert elements_event(1).id != elements_event().id


@pytest.mark.parametrize("make", [elements_event, image_event, sky_event])
@given(body=st.none() | bodies)
def test_the_record_is_no_part_of_what_is_said(
    make: Callable[..., Event], body: dict[str, Any] | None
) -> None:
    """The same content in another record, or in none, is the same event; each comes through."""
    event = make(1, upstream_body=body)
    assert event.id == make(1).id
    found = decode(event.encode()).data
    assert isinstance(found, Recorded)
    assert found.upstream_body == body


def test_an_upstream_body_is_kept_as_received() -> None:
    """Nulls in what an upstream sent are part of what it sent."""
    body = {"a": None, "b": {"c": [None, 1.5, "x"]}}
    found = decode(position_event(upstream_body=body).encode())
    assert isinstance(found, IssPositionEvent)
    assert found.data.upstream_body == body


def test_the_sequence_is_the_time_of_the_fetch_in_microseconds() -> None:
    """Clients of the earlier systems get an integer that grows with every fetch."""
    assert position_event().sequence == 1_772_366_400_180_000


@pytest.mark.parametrize("poison", undecodable(), ids=lambda poison: poison.body[:40])
def test_what_is_no_event_gets_a_reason(poison: Poison) -> None:
    """Every kind of bad body is refused, with one line that says what is wrong."""
    with pytest.raises(ValueError, match=re.escape(poison.reason)) as caught:
        decode(poison.body)
    reason = str(caught.value)
    assert "\n" not in reason
    assert len(reason) < 300


def test_fields_that_are_not_known_are_ignored() -> None:
    """An optional field of a newer release is no reason to refuse an event."""
    body = altered(position_event(), newfield=1, data__another={"deep": [None]})
    assert decode(body) == position_event()


def test_an_event_does_not_change() -> None:
    """Consumers may share an event."""
    with pytest.raises(ValueError, match="frozen"):
        position_event().provider = "other"  # type: ignore[misc]


good = st.integers(0, 500).map(lambda index: position_event(index).encode())
# Pieces that begin and end like an object: together with their neighbours they may be one.
pieces = st.sampled_from(
    [
        b"{},{}",
        b'{},"a":{}',
        b'{"a":{}',
        b'{"a":[{}',
        b'{"b":1}}',
        b'{"b":1}]}',
        b'{"a":"}',
        b'{","b":""}',
        position_event(1).encode() + b"," + position_event(2).encode(),
        position_event(3).encode()[:-1] + b',"a":[{}',
        position_event(4).encode()[:-1] + b',"a":{}',
    ]
)
bad = st.sampled_from([poison.body for poison in undecodable()]) | st.binary(max_size=20) | pieces


def _comparable(found: Event | ValueError) -> Event | str:
    return str(found) if isinstance(found, ValueError) else found


@given(st.lists(good | bad, max_size=12))
def test_a_batch_is_decoded_as_each_of_its_bodies(bodies: list[bytes]) -> None:
    """Decoding together gives what decoding one by one gives, whatever stands side by side."""
    together = decode_batch(bodies)
    alone = [event for body in bodies for event in decode_batch([body])]
    assert [_comparable(found) for found in together] == [_comparable(found) for found in alone]
    for body, found in zip(bodies, together, strict=True):
        if isinstance(found, ValueError):
            with pytest.raises(ValueError, match=re.escape(str(found))):
                decode(body)
        else:
            assert decode(body) == found


def test_bodies_that_complete_each_other_are_not_taken() -> None:
    """Two halves and a double body, three entries that are three events by count, are all bad."""
    whole = position_event(1).encode()
    bodies = [whole + b"," + whole, whole[:-1] + b',"a":[{}', b"{}]}"]
    assert [type(found) for found in decode_batch(bodies)] == [ValueError] * 3


def test_every_type_has_a_stream() -> None:
    """Whatever can be published has a place in the topology."""
    for event in (position_event(), elements_event()):
        assert stream_of(event) in EVENT_STREAMS
