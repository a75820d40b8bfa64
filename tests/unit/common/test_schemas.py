"""The committed schemas are those of the code."""

import pytest

from libs.common.events import EVENT_CLASSES
from libs.common.schemas import FOLDER, documents
from libs.common.topology import EVENT_STREAMS, stream_of_class


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
