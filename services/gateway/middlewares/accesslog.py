"""The canonical log line of each request, written as cheaply as possible.

structlog takes 60 us for a line, which is half of what a latest value costs altogether. So lines in
JSON, the form that machines read, are put together here with the same fields, and leave in one
write per turn of the event loop. For a person at a terminal structlog writes them.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from libs.common.clock import iso
from libs.common.logging import get_logger, is_structured
from libs.common.secrets import Redactor
from libs.common.settings import ServiceSettings

NAME = "services.gateway.access"
_log = get_logger(NAME)
# Paths and clients repeat, so each is searched for secrets once. Long ones are made up by a client
# and do not repeat.
_REMEMBERED, _LONGEST_REMEMBERED = 10_000, 200


class Served(NamedTuple):
    """A request that is over."""

    method: str
    path: str
    route: str
    status: int
    seconds: float
    client: str
    request_id: str


class AccessLog:
    """Writes the line of each request."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._is_wanted = settings.log_level in {"debug", "info"}
        self._is_structured = is_structured(settings)
        self._redact = Redactor(settings.secret_values())
        self._remembered = lru_cache(_REMEMBERED)(self._quoted)
        constants = {
            "event": "request",
            "level": "info",
            "logger": NAME,
            "service": "gateway",
            "replica": settings.replica,
        }
        self._head = json.dumps(constants)[:-1]
        self._waiting: list[str] = []

    def write(self, served: Served) -> None:
        """Write the line of one request; a secret in its path is masked."""
        if not self._is_wanted:
            return
        if not self._is_structured:
            fields = served._asdict()
            fields["duration_ms"] = round(fields.pop("seconds") * 1_000, 2)
            _log.info("request", **fields)
            return
        text = self._text
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(
            f'"method": {text(served.method)}, "path": {text(served.path)},'
            f' "route": {text(served.route)}, "status": {served.status},'
            f' "duration_ms": {served.seconds * 1_000:.2f}, "client": {text(served.client)},'
            f' "request_id": "{served.request_id}"}}\n'
        )

    def _flush(self) -> None:
        # The lines of one turn of the loop share its time.
        head = f'{self._head}, "timestamp": "{iso(datetime.now(UTC))}", '
        lines = [head + line for line in self._waiting]
        self._waiting.clear()
        sys.stdout.write("".join(lines))
        sys.stdout.flush()

    def _text(self, value: str) -> str:
        return (self._remembered if len(value) <= _LONGEST_REMEMBERED else self._quoted)(value)

    def _quoted(self, value: str) -> str:
        return json.dumps(self._redact(value))
