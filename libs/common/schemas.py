"""`python -m libs.common.schemas`: writes JSON Schema and AsyncAPI of all events to `docs/schemas`.

A test compares them with what is committed, so that no event changes unnoticed.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from libs.common.events import EVENT_CLASSES, AnyEvent, Event
from libs.common.topology import EVENT_STREAMS, Stream, stream_of_class

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of every event."""
    adapter: TypeAdapter[Any] = TypeAdapter(AnyEvent)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Events of Cassiopeia",
        **adapter.json_schema(mode="serialization", by_alias=True),
    }


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document: which stream carries which event."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Cassiopeia",
            "version": "1",
            "description": "Each entry of a stream holds one CloudEvent as JSON in `__data__`.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {stream.key: _channel(stream) for stream in EVENT_STREAMS},
        "components": {
            "messages": {event.TYPE: _message(event) for event in EVENT_CLASSES},
        },
    }


def _channel(stream: Stream) -> dict[str, Any]:
    types = [event.TYPE for event in EVENT_CLASSES if stream_of_class(event) == stream]
    return {
        "address": stream.key,
        "description": f"A Redis stream, read by the groups: {', '.join(stream.groups)}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in types},
    }


def _message(event: type[Event]) -> dict[str, Any]:
    summary = (event.__doc__ or "").partition("\n")[0]
    return {
        "name": event.TYPE,
        "summary": summary,
        "payload": {"$ref": f"events.schema.json#/$defs/{event.__name__}"},
    }


def documents() -> dict[str, str]:
    """Return the files by name."""
    contents = {"events.schema.json": json_schema(), "asyncapi.json": asyncapi()}
    return {name: json.dumps(document, indent=2) + "\n" for name, document in contents.items()}


def main() -> int:
    """Write the files; return the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in documents().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
