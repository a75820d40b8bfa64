"""Asks the started services whether they are ready, and the gateway for its sources."""

import json
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

_SECONDS = 3.0
"""An answer from this machine takes milliseconds; one that takes this long is not coming."""


def get(base: str, path: str) -> tuple[int, Any]:
    """Return the status and the JSON body of a GET; 0 and the reason if there is no answer."""
    place = urlsplit(base)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=_SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()
    try:
        return response.status, json.loads(body)
    except ValueError:
        return response.status, body


def unready(base: str) -> str:
    """Return why the process with this admin address is not ready, or an empty string."""
    status, body = get(base, "/ready")
    if status == 200:  # noqa: PLR2004 - HTTP's OK
        return ""
    return shorten(body if isinstance(body, str) else json.dumps(body)) or f"status {status}"


def source_rows(gateway: str) -> list[list[str]]:
    """Return a row for each source: name, state, provider and origin, reason."""
    status, body = get(gateway, "/api/v1/sources")
    items = body.get("items") if status == 200 and isinstance(body, dict) else None  # noqa: PLR2004 - HTTP's OK
    if not isinstance(items, list):
        return [["sources", "unknown", "", shorten(str(body))]]
    return [_source_row(item) for item in items]


def shorten(text: str, length: int = 160) -> str:
    """Return the text as one line, shortened if it is too long."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 3] + "..."


def _source_row(item: dict[str, Any]) -> list[str]:
    via = "/".join(str(item[key]) for key in ("provider", "origin") if item.get(key))
    reason = shorten(item.get("reason") or ("" if via else "its first poll is not over"))
    return [str(item.get("name")), str(item.get("state")), via, reason]
