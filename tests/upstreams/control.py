"""Switches faults and reads counts over HTTP, for what runs in another process."""

import json
from collections.abc import Iterable

from aiohttp import web

from tests.upstreams.base import Simulator
from tests.upstreams.faults import Fault

NONE = "none"
_WINDOWS_S = (1, 5, 60, 300, 3_600)


def add_control(application: web.Application, simulators: Iterable[Simulator]) -> None:
    """Add `POST /_simulator/fault` and `GET /_simulator/calls`."""
    by_name = {simulator.name: simulator for simulator in simulators}

    async def set_fault(request: web.Request) -> web.Response:
        """Take `{"upstream": "wheretheiss", "fault": "hang"}`; the fault `none` ends it."""
        try:
            body = json.loads(await request.read())
            simulator = by_name[body["upstream"]]
            simulator.fault = None if body["fault"] == NONE else Fault(body["fault"])
        except (KeyError, TypeError, ValueError) as error:
            faults = [NONE, *Fault]
            usage = {"upstream": sorted(by_name), "fault": faults}
            return web.json_response({"error": repr(error), "expected": usage}, status=400)
        return web.json_response({"upstream": simulator.name, "fault": body["fault"]})

    async def get_calls(request: web.Request) -> web.Response:
        """Return what each simulator has counted."""
        del request
        return web.json_response({name: _summary(each) for name, each in by_name.items()})

    application.router.add_post("/_simulator/fault", set_fault)
    application.router.add_get("/_simulator/calls", get_calls)


def _summary(simulator: Simulator) -> dict[str, object]:
    log = simulator.log
    return {
        "fault": simulator.fault or NONE,
        "calls": len(log.calls),
        "per_path": log.per_path(),
        "max_in_window_s": {str(window): log.max_calls_in(window) for window in _WINDOWS_S},
        "max_in_flight": log.max_in_flight,
        "violations": log.violations,
        "bytes_streamed": simulator.bytes_streamed,
    }
