"""The committed schemas are those of the code."""

from collections.abc import Iterator
from typing import Any

import pytest

from libs.common.events import EVENT_CLASSES
from libs.common.schemas import FOLDER, documents, json_schema
from libs.common.topology import EVENT_STREAMS, stream_of_class

LARGEST_INT4 = 2**31 - 1


def integers(schema: Any, path: str = "") -> Iterator[tuple[str, int | None]]:
    """Find every whole number of a schema, and how large it may be."""
    if isinstance(schema, dict):
        if schema.get("type") == "integer":
            yield path, schema.get("maximum")
        for name, value in schema.items():
            yield from integers(value, f"{path}/{name}")
    elif isinstance(schema, list):
        for value in schema:
            yield from integers(value, path)


def test_every_whole_number_fits_its_column() -> None:
    """One that is too large is refused by name; PostgreSQL would see other bytes in a COPY."""
    found = dict(integers(json_schema()))
    assert found
    assert {name: most for name, most in found.items() if not most or most > LARGEST_INT4} == {}


@pytest.mark.parametrize("name", documents())
def test_the_committed_schema_is_current(name: str) -> None:
    """An event that changes shows in review; `make schemas` writes the files."""
    assert (FOLDER / name).read_text(encoding="utf-8") == documents()[name]


def test_every_event_has_a_stream_and_a_place_in_the_documents() -> None:
    """A new event cannot be forgotten in the topology or in AsyncAPI."""
    asyncapi = documents()["asyncapi.json"]
    for event in EVENT_CLASSES:
        assert stream_of_class(event) in EVENT_STREAMS
        assert f'"{event.TYPE}"' in asyncapi
