"""Whatever JSON comes: events that can be stored, rejects, or a ValueError; never anything else."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events import Provenance, decode
from services.ingest_space.normalize import (
    Page,
    approach_events,
    day_to_try,
    ejection_events,
    error_code,
    flare_events,
    launch_events,
    next_page,
    picture_events,
    read_throttle,
)
from tests.unit.ingest_space.bodies import (
    ASTEROID,
    DAY,
    EJECTION,
    FLARE,
    LAUNCH,
    LIVE,
    PICTURE,
    feed,
    page,
)

Normalizer = Callable[[Any, Provenance], Page]

NORMALIZERS: list[tuple[Normalizer, Any]] = [
    (picture_events, PICTURE),
    (approach_events, feed(ASTEROID)),
    (flare_events, [FLARE]),
    (ejection_events, [EJECTION]),
    (launch_events, page(LAUNCH)),
]
_NASTY = st.sampled_from(
    [
        "",
        "null",
        "\x00",
        "\ud800",
        "<![x[",
        "<b>" * 50,
        "9" * 400,
        "1e999",
        "NaN",
        "https://[::1/",
        "//x?api_key=1",
        "0000-00-00",
        "2026-02-30T25:61Z",
        "9999-12-31T23:59-23:59",
        "x" * 50_000,
        10**400,
        -(10**30),
        1e308,
        float("inf"),
        True,
        [[]],
        {"": None},
    ]
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | _NASTY,
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=6,
)


def check(normalize: Normalizer, body: Any) -> None:
    """Assert that a body becomes events that survive the stream, rejects, or a ValueError."""
    try:
        result = normalize(body, LIVE)
    except ValueError:
        return
    for event in result.events:
        encoded = event.encode()
        assert decode(encoded) == event
        assert b"\\u0000" not in encoded
        assert b"api_key=" not in encoded
    for rejected in result.rejected:
        assert rejected.reason
        assert isinstance(rejected.body, bytes)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside of a body, its own first."""
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += places(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            found += places(item, (*path, index))
    return found


def replaced(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a body with another value at a path."""
    if not path:
        return value
    result = copy.deepcopy(body)
    place = result
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return result


@pytest.mark.parametrize(("normalize", "valid"), NORMALIZERS)
def test_the_valid_body_is_read(normalize: Normalizer, valid: Any) -> None:
    """What the mutations start from is good, so that they test something."""
    assert len(normalize(valid, LIVE).events) == 1


@given(body=ANY_JSON)
def test_arbitrary_json(body: Any) -> None:
    """No body makes any of the normalizers fail in another way."""
    for normalize, _ in NORMALIZERS:
        check(normalize, body)
        check(normalize, [body])
        check(normalize, feed(body))
        check(normalize, page(body))
    error_code(body)


@pytest.mark.parametrize(("normalize", "valid"), NORMALIZERS)
@given(data=st.data())
def test_mutated_bodies(normalize: Normalizer, valid: Any, data: st.DataObject) -> None:
    """No value in any place of a valid body does, either."""
    path = data.draw(st.sampled_from(places(valid)))
    check(normalize, replaced(valid, path, data.draw(ANY_JSON)))


@pytest.mark.parametrize(("normalize", "valid"), NORMALIZERS)
def test_deep_bodies(normalize: Normalizer, valid: Any) -> None:
    """A record that is nested too deeply is refused, not followed."""
    deep = json.loads("[" * 400 + "]" * 400)
    for path in places(valid):
        check(normalize, replaced(valid, path, deep))


@given(complaint=st.text() | st.from_regex(r"Date must be between .* and \w{3} \d{1,2}, \d{4}"))
def test_any_complaint(complaint: str) -> None:
    """A complaint in any words is about a day, or not."""
    day_to_try(complaint, DAY)
    day_to_try(f"No data available for date: {complaint}", DAY)


@given(body=ANY_JSON, following=ANY_JSON)
def test_any_page_and_any_count(body: Any, following: Any) -> None:
    """A link to a next page and a count of calls are read, or refused."""
    for call in (
        lambda: next_page(page(following=following), {}),
        lambda: next_page(body, {}),
        lambda: read_throttle(body),
    ):
        try:
            call()
        except ValueError:
            continue
