"""The canonical line of a request, written without structlog by the same rules."""

import asyncio
import json
from typing import Any

import pytest

from libs.common.settings import ServiceSettings
from services.gateway.middlewares.accesslog import AccessLog, Served


def line(capsys: pytest.CaptureFixture[str], served: Served, **settings: Any) -> str:
    """Return what is printed of one request."""

    async def write() -> None:
        AccessLog(ServiceSettings(log_format="json", **settings)).write(served)
        await asyncio.sleep(0)

    asyncio.run(write())
    return capsys.readouterr().out


def test_a_line_has_the_fields_of_every_other(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a path holds, it is one line of JSON."""
    path = '/a"b\n\udcff/ü'
    served = Served("GET", path, "/{tail:.*}", 404, 0.001234, "127.0.0.1", "id-1")
    printed = line(capsys, served, replica="7")
    assert printed.count("\n") == 1
    found = json.loads(printed)
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "event": "request",
        "level": "info",
        "logger": "services.gateway.access",
        "service": "gateway",
        "replica": "7",
        "method": "GET",
        "path": path,
        "route": "/{tail:.*}",
        "status": 404,
        "duration_ms": 1.23,
        "client": "127.0.0.1",
        "request_id": "id-1",
    }


def test_a_secret_in_a_path_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    """One that the process knows, and one that looks like one."""
    settings = {"redis_url": "redis://:opensesame@localhost/0"}
    served = Served("GET", "/opensesame/&token=xyz", "/", 200, 0.0, "Bearer abcdefghij", "id")
    found = json.loads(line(capsys, served, **settings))
    assert found["path"] == "/***/&token=***"
    assert found["client"] == "Bearer ***"


def test_nothing_is_written_that_nobody_wants(capsys: pytest.CaptureFixture[str]) -> None:
    """The level holds here as well."""
    served = Served("GET", "/", "/", 200, 0.0, "127.0.0.1", "id")
    assert line(capsys, served, log_level="warning") == ""
